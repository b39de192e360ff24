package check_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// A document that replaces one that is there forgets no other connection of
// the organization's, and says that it replaces.
func TestPatchesReplace(t *testing.T) {
	t.Parallel()
	const reader = "arn:aws:iam::111122223333:role/reader"
	for document, broken := range map[string]func(s *setting) **policy.Document{
		"bucket": func(s *setting) **policy.Document { return &s.bucket.Policy },
		"key":    func(s *setting) **policy.Document { return &s.key.Policy },
	} {
		s := newSetting(t, otherAccount, "")
		other := s.connection
		other.Name, other.Purpose, other.Prefix, other.RoleARN = "masters", rolecall.Source, "in/", reader
		elsewhere := other
		elsewhere.Name, elsewhere.Bucket, elsewhere.Encryption, elsewhere.RoleARN = "far", "acme-far", nil, "arn:aws:iam::111122223333:role/far"
		s.others = map[string]rolecall.Connection{"delivery": s.connection, "masters": other, "far": elsewhere}
		*broken(s) = doc(t, `{"Version":"2012-10-17","Statement":`+theirKey+`}`)
		if document == "bucket" {
			*broken(s) = doc(t, `{"Version":"2012-10-17","Statement":`+theirBucket+`}`)
		}
		report, _ := s.check(t)
		found := firstFailed(report)
		var patch rolecall.Patch
		for _, p := range found.Patches {
			if p.Document == document {
				patch = p
			}
		}
		text := string(patch.Policy)
		if !strings.Contains(text, reader) || !strings.Contains(text, ourRole) || strings.Contains(text, "role/far") {
			dump(t, report)
			t.Fatalf("%s: %s", document, text)
		}
		if !strings.Contains(found.Hint, "--policy "+document+"=FILE") || !strings.Contains(found.Hint, "the connections masters use") {
			t.Errorf("%s: %s", document, found.Hint)
		}
		*broken(s) = doc(t, text)
		if report, _ := s.check(t); report.Result != rolecall.CheckPass {
			dump(t, report)
			t.Errorf("%s does not mend it: %s", document, text)
		}
	}
}

// Where S3 opened to another question, and AWS does not say what refuses this
// one, the hint too says that documents replace.
func TestHintsOfReplacing(t *testing.T) {
	t.Parallel()
	s := newSetting(t, otherAccount, "")
	s.bucket.Policy = without(t, s.bucket.Policy, "RolecallRead")
	report, _ := s.check(t)
	if f := step(report, rolecall.StepRead); f.Result != rolecall.CheckFail || !strings.Contains(f.Hint, "--policy bucket=FILE") || strings.Contains(f.Hint, "connections") {
		dump(t, report)
		t.Errorf("%+v", f)
	}
	s = newSetting(t, otherAccount, "")
	s.role.Trust = with(t, nil, theirTrust)
	report, _ = s.check(t)
	if f := step(report, rolecall.StepAssume); f.Result != rolecall.CheckFail || !strings.Contains(f.Hint, "--policy trust=FILE") {
		dump(t, report)
		t.Errorf("%+v", f)
	}
}
