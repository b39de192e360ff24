package check_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// Where the customer's own condition keeps the connection out, it is named, and
// no patch of the document is proposed: each would void it.
func TestCustomersLimitsStay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, kind, condition, hint string
		breaks                      func(s *setting) **policy.Document
	}{
		{"trust", "trust", `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, "Customer: if access is meant, add the address of the worker to IpAddress aws:SourceIp of RolecallAssume", func(s *setting) **policy.Document { return &s.role.Trust }},
		{"expired trust", "trust", `"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, "Customer: by your own date", func(s *setting) **policy.Document { return &s.role.Trust }},
		{"permissions", "permissions", `"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}`, "Customer: if access is meant, add the network of the role's sessions to StringEquals aws:SourceVpce of ", func(s *setting) **policy.Document { return &s.role.Policies[0] }},
		{"bucket", "bucket", `"StringEquals":{"aws:PrincipalOrgID":"o-acme123456"}`, "Customer: if access is meant, add the organization of the role's sessions to StringEquals aws:PrincipalOrgID of ", func(s *setting) **policy.Document { return &s.bucket.Policy }},
		{"key", "key", `"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, "Customer: by your own date", func(s *setting) **policy.Document { return &s.key.Policy }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t, otherAccount, "")
			d := test.breaks(s)
			text := string((*d).JSON())
			operator, value, _ := strings.Cut(test.condition, ":")
			switch {
			case strings.Contains(text, operator+":{"):
				text = strings.ReplaceAll(text, operator+":{", operator+":{"+strings.Trim(value, "{}")+",")
			default:
				text = strings.ReplaceAll(text, `"Condition":{`, `"Condition":{`+test.condition+`,`)
			}
			parts := strings.Split(text, "},{")
			for i, part := range parts {
				if !strings.Contains(part, `"Condition"`) {
					parts[i] = strings.Replace(part, `"Effect":"Allow"`, `"Effect":"Allow","Condition":{`+test.condition+`}`, 1)
				}
			}
			text = strings.Join(parts, "},{")
			*d = doc(t, text)
			s.policies = []correct.Given{{Kind: policy.Kind(test.kind), File: "theirs.json", Document: *d}}
			report, _ := s.check(t)
			found := firstFailed(report)
			if !strings.Contains(found.Hint, test.hint) {
				t.Errorf("%s: %s", found.Step, found.Hint)
			}
			for _, p := range append(found.Patches, patchOf(found)...) {
				if p.Document == test.kind {
					t.Errorf("a patch allows it all the same: %s", p.Policy)
				}
			}
		})
	}
}

func patchOf(s rolecall.CheckStep) []rolecall.Patch {
	if s.Patch == nil {
		return nil
	}
	return []rolecall.Patch{*s.Patch}
}
