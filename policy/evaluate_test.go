package policy_test

import (
	"testing"

	"github.com/rolecall/rolecall/policy"
)

func mustParse(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return d
}

func TestEvaluateTrust(t *testing.T) {
	t.Parallel()
	trust := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x-42"}}}}`)
	identity := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	for id, want := range map[string]policy.Decision{"x-42": policy.Allowed, "X-42": policy.ImplicitlyDenied, "": policy.ImplicitlyDenied} {
		context := map[string][]string{}
		if id != "" {
			context["STS:externalid"] = []string{id}
		}
		got := policy.Evaluate(policy.Request{
			Principal: "arn:aws:sts::111111111111:assumed-role/worker/i-1", Action: "sts:AssumeRole",
			Resource: "arn:aws:iam::222222222222:role/cust", Account: "222222222222", Context: context,
		}, policy.Policies{Identity: []*policy.Document{identity}, Resource: trust})
		if got.Decision != want {
			t.Errorf("external id %q: %+v, want %s", id, got, want)
		}
	}
}
