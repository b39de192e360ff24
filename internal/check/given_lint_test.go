package check_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// A document that was given does not pass in silence where it is wrong, though
// all that the connection asks passes.
func TestGivenDocumentsAreLinted(t *testing.T) {
	t.Parallel()
	const trust = `"Effect":"Allow","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-42"}}`
	for name, of := range map[string]struct {
		kind policy.Kind
		adds string
		step string
		says string // empty: nothing
	}{
		"everyone":              {policy.TrustDocument, `{"Principal":{"AWS":"*"},` + trust + `}`, rolecall.StepAssume, "everyone at AWS is let in"},
		"the vendor's account":  {policy.TrustDocument, `{"Principal":{"AWS":"` + vendorAccount + `"},` + trust + `}`, rolecall.StepAssume, "the root of account " + vendorAccount},
		"the customer's own":    {policy.TrustDocument, `{"Effect":"Allow","Principal":{"AWS":"` + roleAccount + `"},"Action":"sts:AssumeRole"}`, rolecall.StepAssume, ""},
		"everyone may write":    {policy.BucketDocument, `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*"}`, rolecall.StepList, "everyone is let in"},
		"an action that is not": {policy.PermissionsDocument, `{"Effect":"Allow","Action":"s3:GetObjects","Resource":"arn:aws:s3:::acme-delivery/*"}`, rolecall.StepList, "s3:GetObjects"},
		"everyone has the key":  {policy.KeyDocument, `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}`, rolecall.StepKey, "everyone at AWS may use the key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t, otherAccount, "")
			d := map[policy.Kind]**policy.Document{
				policy.TrustDocument: &s.role.Trust, policy.BucketDocument: &s.bucket.Policy, policy.PermissionsDocument: &s.role.Policies[0], policy.KeyDocument: &s.key.Policy,
			}[of.kind]
			*d = with(t, *d, of.adds)
			s.policies = []correct.Given{{Kind: of.kind, File: "theirs.json", Document: *d}}
			report, _ := s.check(t)
			f := step(report, of.step)
			if of.says == "" {
				if f.Result != rolecall.CheckPass {
					t.Errorf("%+v", f)
				}
				return
			}
			if f.Result != rolecall.CheckWarn || f.Hint == "" || !strings.Contains(f.Message, "in theirs.json, at /Statement/") || !strings.Contains(f.Message, of.says) {
				dump(t, report)
				t.Errorf("%+v", f)
			}
		})
	}
}
