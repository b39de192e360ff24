package explain_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// What a policy limits by a global key that the request was not given with is
// not undone: the change is to say that the request has it.
func TestKeysThatWereNotGiven(t *testing.T) {
	t.Parallel()
	const (
		object = `"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/*"`
		reader = `"Principal":{"AWS":"arn:aws:iam::444455556666:role/reader"},`
		trust  = `"Principal":{"AWS":"arn:aws:iam::444455556666:role/reader"},"Action":"sts:AssumeRole"`
	)
	for name, c := range map[string]struct{ action, resource, statements, key string }{
		"second factor": {"sts:AssumeRole", "arn:aws:iam::111122223333:role/media", `{"Effect":"Allow",` + trust + `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, "aws:MultiFactorAuthPresent"},
		"second factor and address": {
			"sts:AssumeRole", "arn:aws:iam::111122223333:role/media",
			`{"Effect":"Allow",` + trust + `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`, "aws:MultiFactorAuthPresent aws:SourceIp",
		},
		"a pattern": {
			"s3:GetObject", "arn:aws:s3:::acme-masters/a", `{"Effect":"Allow",` + reader + object + `,"Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*","aws:SourceVpce":"vpce-1?"}}}`,
			"aws:PrincipalOrgID aws:SourceVpce",
		},
		"organization": {"s3:GetObject", "arn:aws:s3:::acme-masters/a", `{"Effect":"Allow",` + reader + object + `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`, "aws:PrincipalOrgID"},
		"address":      {"s3:GetObject", "arn:aws:s3:::acme-masters/a", `{"Effect":"Allow",` + reader + object + `,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`, "aws:SourceIp"},
		"endpoint denied": {
			"s3:GetObject", "arn:aws:s3:::acme-masters/a",
			`{"Effect":"Allow",` + reader + object + `},{"Effect":"Deny","Principal":"*",` + object + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}}`, "aws:SourceVpce",
		},
		"region denied": {
			"s3:GetObject", "arn:aws:s3:::acme-masters/a",
			`{"Effect":"Allow",` + reader + object + `},{"Effect":"Deny","Principal":"*",` + object + `,"Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1"]}}}`, "aws:RequestedRegion",
		},
	} {
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + c.statements + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		all, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		in := policy.Request{Principal: "arn:aws:iam::444455556666:role/reader", Action: c.action, Resource: c.resource, Account: "111122223333"}
		change, ok := explain.Smallest(in, policy.Policies{Identity: []*policy.Document{all}, Resource: d})
		text := ""
		for _, e := range change.Edits {
			if text += e.Text; e.Policy != "" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		keys := strings.Fields(c.key)
		for _, key := range keys {
			if !ok || change.Decision != policy.Allowed || len(change.Edits) != len(keys) || !strings.Contains(text, "--context "+key+"=") {
				t.Errorf("%s: %+v", name, change)
			}
		}
	}
}
