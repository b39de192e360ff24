package explain_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// TestSmallestTakesNoOtherID checks that no change of a trust policy has it take
// from anyone an external id that it does not name, and that none tells one
// vendor's id to another: AWS has each vendor's customer with an id of its own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
func TestSmallestTakesNoOtherID(t *testing.T) {
	t.Parallel()
	callers := []string{
		"arn:aws:iam::873682911326:role/Worker", "arn:aws:sts::873682911326:assumed-role/Worker/s", "arn:aws:iam::999988887777:role/v2",
		"arn:aws:iam::111122223333:user/boss", "arn:aws:iam::444455556666:role/stranger",
	}
	principals := []string{
		`"*"`, `{"AWS":"*"}`, `{"AWS":"873682911326"}`, `{"AWS":"arn:aws:iam::873682911326:role/Worker"}`, `{"AWS":"arn:aws:iam::999988887777:role/v2"}`,
		`{"AWS":["arn:aws:iam::999988887777:role/v2","arn:aws:iam::873682911326:role/Worker"]}`, `{"AWS":"arn:aws:iam::111122223333:root"}`, `{"Service":"ec2.amazonaws.com"}`,
	}
	conditions := []string{
		``, `"StringEquals":{"sts:ExternalId":"v2-secret"}`, `"StringEquals":{"sts:ExternalId":["acme-1","acme-2"]}`, `"StringNotEquals":{"sts:ExternalId":"acme-1"}`,
		`"StringNotLike":{"sts:ExternalId":"acme-*"}`, `"StringLike":{"sts:ExternalId":"acme-*"}`, `"Null":{"sts:ExternalId":"true"}`, `"StringEquals":{"sts:ExternalId":"evil"}`,
		`"StringEqualsIfExists":{"sts:ExternalId":"acme-1"}`, `"StringEquals":{"sts:ExternalId":"v2-secret"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/*"}`,
		`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, `"StringNotEquals":{"sts:ExternalId":"acme-1"},"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`,
		`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringEquals":{"sts:ExternalId":"acme-1"}`, `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/v2"}`,
	}
	all := parse(t, document(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		statement := rapid.Custom(func(t *rapid.T) string {
			return `{"Effect":"` + rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect") + `","Principal":` + rapid.SampledFrom(principals).Draw(t, "principal") +
				`,"Action":` + rapid.SampledFrom([]string{`"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession"]`, `"sts:*"`, `"sts:TagSession"`}).Draw(t, "action") +
				`,"Condition":{` + rapid.SampledFrom(conditions).Draw(t, "condition") + `}}`
		})
		statements := rapid.SliceOfN(statement, 1, 3).Draw(t, "trust")
		trust := document(statements...)
		policies := policy.Policies{Identity: []*policy.Document{all}, Resource: parse(t, trust)}
		in := policy.Request{
			Principal: rapid.SampledFrom(callers).Draw(t, "caller"), Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/media", Account: "111122223333",
			Context: map[string][]string{"aws:SourceIp": {rapid.SampledFrom([]string{"203.0.113.7", "198.51.100.7"}).Draw(t, "address")}},
		}
		id := rapid.SampledFrom([]string{"", "evil", "v2-secret", "acme-1", "acme-9"}).Draw(t, "id")
		if id != "" {
			in.Context["sts:ExternalId"] = []string{id}
		}
		if policy.Evaluate(in, policies).Decision == policy.Allowed || id == "" && !strings.Contains(trust, "ExternalId") {
			return // nothing is to be let in, or nobody minds ids
		}
		change, ok := explain.Smallest(in, policies)
		if !ok {
			return
		}
		turned(t, change, in, policies)
		asked, after := apply(t, change, in, policies)
		if string(after.Resource.JSON()) != string(policies.Resource.JSON()) {
			changed++
		}
		for _, caller := range callers {
			for _, id := range []string{"", "evil", "acme-9", "other", "v2-secret", "acme-1", "acme-2"} {
				other := asked
				other.Principal, other.Context = caller, map[string][]string{"aws:SourceIp": in.Context["aws:SourceIp"]}
				if id != "" {
					other.Context["sts:ExternalId"] = []string{id}
				}
				if other.PrincipalARN() == in.PrincipalARN() && (strings.Contains(trust, `"`+id+`"`) || id == "" && len(asked.Values("sts:ExternalId")) == 0) {
					continue // the request, or what the policy names
				}
				if policy.Evaluate(other, policies).Decision != policy.Allowed && policy.Evaluate(other, after).Decision == policy.Allowed {
					t.Fatalf("%s gets in with %q, after %+v of %s with %q for %s", caller, id, change.Edits, trust, in.Context, in.Principal)
				}
			}
		}
		if got := asked.Values("sts:ExternalId"); len(got) == 1 && got[0] == "v2-secret" && id != "v2-secret" {
			allows := slices.DeleteFunc(slices.Clone(statements), func(s string) bool { return strings.Contains(s, "Deny") })
			mine := policies
			mine.Resource = parse(t, strings.ReplaceAll(document(allows...), "TagSession", "*"))
			if policy.Evaluate(asked, mine).Decision != policy.Allowed {
				t.Fatalf("%s learns the id of another: %+v of %s", in.Principal, change.Edits, trust)
			}
		}
	})
	if changed == 0 {
		t.Error("no trust policy was changed")
	}
}
