package check_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// A patch for a policy that was not given has our statements alone, which are
// merged into it: what others have there stays, whoever they are.
func TestPatchesMerge(t *testing.T) {
	t.Parallel()
	const audit = `{"Sid":"Audit","Effect":"Deny","Principal":"*","Action":"%s","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"guests"}}}`
	for document, broken := range map[string]func(s *setting) (there **policy.Document, theirs string){
		"bucket": func(s *setting) (**policy.Document, string) {
			return &s.bucket.Policy, theirBucket + "," + strings.ReplaceAll(fmt.Sprintf(audit, "s3:DeleteObject"), `"*","Cond`, `"arn:aws:s3:::acme-delivery/*","Cond`)
		},
		"key": func(s *setting) (**policy.Document, string) {
			return &s.key.Policy, theirKey + "," + fmt.Sprintf(audit, "kms:ScheduleKeyDeletion")
		},
	} {
		s := newSetting(t, otherAccount, "")
		there, theirs := broken(s)
		*there = doc(t, `{"Version":"2012-10-17","Statement":[`+theirs+`]}`)
		report, _ := s.check(t)
		found := firstFailed(report)
		patches := found.Patches
		if found.Patch != nil {
			patches = append(patches, *found.Patch)
		}
		i := slices.IndexFunc(patches, func(p rolecall.Patch) bool { return p.Document == document })
		if i < 0 || patches[i].Mode != rolecall.PatchMerge || strings.Contains(string(patches[i].Policy), "Audit") || !strings.Contains(found.Hint, "--policy "+document+"=FILE") {
			dump(t, report)
			t.Fatalf("%s: %+v", document, patches)
		}
		var ours, old map[string]any
		if json.Unmarshal(patches[i].Policy, &ours) != nil || json.Unmarshal((*there).JSON(), &old) != nil {
			t.Fatalf("%s: %s", document, patches[i].Policy)
		}
		merged, err := json.Marshal(mergedInto(old, ours))
		if err != nil {
			t.Fatal(err)
		}
		*there = doc(t, string(merged))
		if report, _ := s.check(t); report.Result != rolecall.CheckPass {
			dump(t, report)
			t.Errorf("%s: the statements do not mend it: %s", document, merged)
		}
	}
}

// A role of several connections goes on to trust the external ids and the
// principals of all.
func TestTrustOfSeveralConnections(t *testing.T) {
	t.Parallel()
	s := newSetting(t, roleAccount, "")
	other := s.connection
	other.Name, other.ExternalID = "masters", &rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "masters-7"}
	far := other
	far.Name, far.RoleARN, far.ExternalID = "far", "arn:aws:iam::111122223333:role/far", &rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "far-7"}
	s.others = map[string]rolecall.Connection{s.connection.Name: s.connection, "masters": other, "far": far}
	s.role.Trust = with(t, nil, `{"Sid":"RolecallAssume","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:role/production"},"Action":"sts:AssumeRole"}`)
	report, _ := s.check(t)
	found := firstFailed(report)
	if found.Patch == nil || !strings.Contains(string(found.Patch.Policy), `"sts:ExternalId":["acme-42","masters-7"]`) {
		t.Errorf("%+v", found)
	}
}

// Where S3 opened to another question, and AWS does not say what refuses this
// one, the hint too asks for documents.
func TestHintsAskForDocuments(t *testing.T) {
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
