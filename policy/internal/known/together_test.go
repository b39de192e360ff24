package known

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

const allow, deny = `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"%s}`, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"%s}`

func when(statement, operator, key, value string) string {
	condition := ""
	if operator != "" {
		condition = fmt.Sprintf(`,"Condition":{%q:{%q:%s}}`, operator, key, value)
	}
	return fmt.Sprintf(statement, condition)
}

func judged(t testing.TB, context map[string][]string, statements ...string) (policy.Decision, []string) {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[`
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	document, err := tree.Parse(text + "]}")
	if err != nil {
		t.Fatal(err)
	}
	in := policy.Request{
		Principal: "arn:aws:sts::111122223333:assumed-role/media/rolecall", Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-masters/in/a", Account: "111122223333", Context: context,
	}
	return Judge(document, in, func(d *policy.Document) policy.Policies { return policy.Policies{Resource: d} })
}

// TestTogether judges statements that each hang on what is not known, and together do not.
func TestTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		statements []string
		want       policy.Decision
		open       bool
	}{
		{"a network and all others", []string{when(allow, "", "", ""), when(deny, "IpAddress", "aws:SourceIp", `"203.0.113.0/24"`), when(deny, "NotIpAddress", "aws:SourceIp", `"203.0.113.0/24"`)}, policy.ExplicitlyDenied, false},
		{"a network and others, but for one address", []string{when(allow, "", "", ""), when(deny, "IpAddress", "aws:SourceIp", `["203.0.113.0/25","203.0.113.129/32"]`), when(deny, "NotIpAddress", "aws:SourceIp", `"203.0.113.0/24"`)}, policy.Allowed, true},
		{"two halves", []string{when(allow, "", "", ""), when(deny, "IpAddress", "aws:SourceIp", `["203.0.113.0/25","203.0.113.128/25"]`), when(deny, "NotIpAddress", "aws:SourceIp", `"203.0.113.0/24"`)}, policy.ExplicitlyDenied, false},
		{"with an endpoint and without", []string{when(allow, "", "", ""), when(deny, "Null", "aws:SourceVpce", `"true"`), when(deny, "Null", "aws:SourceVpce", `"false"`)}, policy.ExplicitlyDenied, false},
		{"an organization and all others", []string{when(allow, "", "", ""), when(deny, "StringEquals", "aws:PrincipalOrgID", `"o-a"`), when(deny, "StringNotEquals", "aws:PrincipalOrgID", `"o-a"`)}, policy.ExplicitlyDenied, false},
		{"an organization and others that there are", []string{when(allow, "", "", ""), when(deny, "StringEquals", "aws:PrincipalOrgID", `"o-a"`), when(deny, "ForAnyValue:StringNotEquals", "aws:PrincipalOrgID", `"o-a"`)}, policy.Allowed, true},
		{"two organizations", []string{when(allow, "", "", ""), when(deny, "StringEquals", "aws:PrincipalOrgID", `"o-a"`), when(deny, "StringNotEquals", "aws:PrincipalOrgID", `"o-b"`)}, policy.Allowed, true},
		{"whatever case", []string{when(allow, "", "", ""), when(deny, "StringEquals", "aws:PrincipalOrgID", `"o-a"`), when(deny, "StringNotEqualsIgnoreCase", "aws:PrincipalOrgID", `"o-a"`)}, policy.Allowed, true},
		{"a pattern and all others", []string{when(allow, "", "", ""), when(deny, "StringLike", "aws:PrincipalOrgID", `"o-*"`), when(deny, "StringNotLike", "aws:PrincipalOrgID", `"o-*"`)}, policy.ExplicitlyDenied, false},
		{"two patterns", []string{when(allow, "", "", ""), when(deny, "StringNotLike", "aws:PrincipalOrgID", `"o-*"`), when(deny, "StringNotLike", "aws:PrincipalOrgID", `"*-x"`)}, policy.Allowed, true},
		{"before a date and after", []string{when(allow, "", "", ""), when(deny, "DateLessThan", "aws:CurrentTime", `"2030-01-01T00:00:00Z"`), when(deny, "DateGreaterThanEquals", "aws:CurrentTime", `"2030-01-01T00:00:00Z"`)}, policy.ExplicitlyDenied, false},
		{"before a date and long after", []string{when(allow, "", "", ""), when(deny, "DateLessThan", "aws:CurrentTime", `"2030-01-01T00:00:00Z"`), when(deny, "DateGreaterThan", "aws:CurrentTime", `"2030-01-01T00:00:05Z"`)}, policy.Allowed, true},
		{"every address", []string{when(allow, "IpAddress", "aws:SourceIp", `"203.0.113.0/24"`), when(allow, "NotIpAddress", "aws:SourceIp", `"203.0.113.0/24"`)}, policy.Allowed, false},
		{"either version of TLS", []string{when(allow, "NumericEquals", "s3:TlsVersion", `"1.2"`), when(allow, "NumericGreaterThan", "s3:TlsVersion", `"1.2"`)}, policy.Allowed, false},
		{"until a day that is past", []string{when(allow, "DateLessThan", "aws:CurrentTime", `"2020-01-01T00:00:00Z"`)}, policy.ImplicitlyDenied, false},
		{"since a day that is past", []string{when(allow, "DateGreaterThan", "aws:CurrentTime", `"2020-01-01T00:00:00Z"`)}, policy.Allowed, false},
		{"until a day that comes", []string{when(allow, "DateLessThan", "aws:CurrentTime", `"2099-01-01T00:00:00Z"`)}, policy.Allowed, true},
		{"a key that AWS does not have", []string{when(allow, "StringEquals", "aws:ExternalId", `"x"`)}, policy.ImplicitlyDenied, false},
		{"a key of another service", []string{when(allow, "StringEquals", "okta:sub", `"x"`)}, policy.Allowed, true},
		{"by two keys", []string{
			when(allow, "", "", ""), when(deny, "StringNotEquals", "aws:SourceVpce", `"vpce-1a"`), when(deny, "StringEquals", "aws:SourceVpce", `"vpce-1a"`), when(deny, "StringEquals", "aws:PrincipalOrgID", `"o-a"`),
		}, policy.ExplicitlyDenied, false},
	} {
		got, open := judged(t, nil, c.statements...)
		if got != c.want || len(open) > 0 != c.open {
			t.Errorf("%s: %s, open %v", c.name, got, open)
		}
	}
}

// TestTogetherIsSure draws documents, and asks with values of the keys that are
// not known: what was said for sure is so.
func TestTogetherIsSure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		kinds := []struct {
			key               string
			operators, values []string
			given             []string
		}{
			{"aws:SourceIp", []string{"IpAddress", "NotIpAddress", "IpAddressIfExists"}, []string{"203.0.113.0/24", "203.0.113.0/25", "203.0.113.7/32", "::/0", "0.0.0.0/0"}, []string{"203.0.113.7", "203.0.113.8", "203.0.113.200", "198.51.100.1", "2001:db8::1"}},
			{"aws:PrincipalOrgID", []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringEqualsIfExists"}, []string{"o-a", "O-A", "o-*", "*-a", "o-b"}, []string{"o-a", "O-a", "O-A", "o-b", "x-a", "x"}},
			{"aws:CurrentTime", []string{"DateLessThan", "DateGreaterThan", "DateEquals", "DateLessThanEquals"}, []string{"2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"}, []string{"2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-06-01T00:00:00Z", "2031-01-01T00:00:00Z", "2032-01-01T00:00:00Z"}},
			{"aws:SourceVpce", []string{"Null"}, []string{"true", "false"}, []string{"vpce-1"}},
		}
		var statements []string
		for range rapid.IntRange(1, 5).Draw(r, "statements") {
			k := rapid.SampledFrom(kinds).Draw(r, "key")
			effect := rapid.SampledFrom([]string{allow, deny, deny}).Draw(r, "effect")
			value := rapid.SampledFrom(k.values).Draw(r, "value")
			statements = append(statements, when(effect, rapid.SampledFrom(k.operators).Draw(r, "operator"), k.key, fmt.Sprintf("%q", value)))
		}
		statements = append(statements, when(allow, "", "", ""))
		got, open := judged(t, nil, statements...)
		if len(open) > 0 {
			return
		}
		context := map[string][]string{}
		for _, k := range kinds {
			given := append(slices.Clone(k.given), "")
			if state, _ := Of(k.key, "s3:GetObject", ""); state == Present {
				given = k.given
			}
			if v := rapid.SampledFrom(given).Draw(r, k.key); v != "" {
				context[k.key] = []string{v}
			}
		}
		if sure, _ := judged(t, context, statements...); (sure == policy.Allowed) != (got == policy.Allowed) {
			r.Fatalf("%v: %s for sure, and %s with %v", statements, got, sure, context)
		}
	})
}
