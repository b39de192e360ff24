package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
)

func TestTrace(t *testing.T) {
	t.Parallel()
	trust := mustParse(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Trust","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},"Action":"sts:AssumeRole",
		 "Condition":{"StringEquals":{"sts:ExternalId":"x-42"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
		{"Effect":"Deny","NotPrincipal":{"AWS":["111111111111","arn:aws:iam::111111111111:role/worker","arn:aws:sts::111111111111:assumed-role/worker/i-1"]},
		 "NotAction":"sts:AssumeRole"}]}`)
	scp := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:iam::2*:role/*"}}`)
	in := policy.Request{
		Principal: "arn:aws:sts::111111111111:assumed-role/worker/i-1", Action: "sts:AssumeRole",
		Resource: "arn:aws:iam::222222222222:role/cust", Account: "222222222222", Context: map[string][]string{"STS:externalid": {"X-42"}},
	}
	got := policy.Trace(in, policy.Policies{Resource: trust, SCP: [][]*policy.Document{{}, {scp}}})
	want := []policy.Verdict{
		{Ref: policy.Ref{Policy: policy.SCP}, Unmet: []policy.Unmet{
			{Pointer: "/Statement/Action", Got: []string{in.Action}},
			{Pointer: "/Statement/NotResource", Got: []string{in.Resource}},
		}},
		{Ref: policy.Ref{Policy: policy.ResourcePolicy, Sid: "Trust"}, Names: policy.NamesRole, Unmet: []policy.Unmet{
			{Pointer: "/Statement/0/Condition/StringEquals/sts:ExternalId", Got: []string{"X-42"}},
			{Pointer: "/Statement/0/Condition/Bool/aws:MultiFactorAuthPresent"},
		}},
		{Ref: policy.Ref{Policy: policy.ResourcePolicy, Statement: 1}, Deny: true, Unmet: []policy.Unmet{
			{Pointer: "/Statement/1/NotPrincipal", Got: []string{in.Principal}},
			{Pointer: "/Statement/1/NotAction", Got: []string{in.Action}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The statements that match are those that decide.
func TestTraceAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		var allowing, denying []policy.Ref
		for _, v := range policy.Trace(w.request, w.policies(t)) {
			switch {
			case len(v.Unmet) > 0:
			case v.Deny:
				denying = append(denying, v.Ref)
			default:
				allowing = append(allowing, v.Ref)
			}
		}
		result := w.decide(t)
		want := allowing
		switch result.Decision {
		case policy.ExplicitlyDenied:
			want = denying
		case policy.ImplicitlyDenied:
			want = nil
		}
		byPlace := cmp.Transformer("set", func(refs []policy.Ref) map[policy.Ref]bool {
			set := map[policy.Ref]bool{}
			for _, r := range refs {
				set[r] = true
			}
			return set
		})
		if diff := cmp.Diff(want, result.DecidedBy, byPlace); diff != "" {
			t.Errorf("%+v: %s", result, diff)
		}
		if result.Decision != policy.ExplicitlyDenied && len(denying) > 0 {
			t.Errorf("%+v, but %+v deny", result, denying)
		}
	})
}

func TestPrincipalARN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ principal, given, want string }{
		{"arn:aws:iam::111111111111:user/u", "", "arn:aws:iam::111111111111:user/u"},
		{"arn:aws:sts::111111111111:assumed-role/r/s", "", "arn:aws:iam::111111111111:role/r"},
		{"arn:aws:sts::111111111111:assumed-role/r/s", "arn:aws:iam::111111111111:role/path/r", "arn:aws:iam::111111111111:role/path/r"},
		{"*", "", ""},
		{"s3.amazonaws.com", "", ""},
	} {
		in := policy.Request{Principal: c.principal}
		if c.given != "" {
			in.Context = map[string][]string{"aws:PrincipalArn": {c.given}}
		}
		if got := in.PrincipalARN(); got != c.want {
			t.Errorf("%s: %q, want %q", c.principal, got, c.want)
		}
	}
}
