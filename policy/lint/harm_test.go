package lint_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// harmKit is a connection across accounts.
func harmKit() *policy.KitRequest {
	return &policy.KitRequest{
		Connection: rolecall.Connection{
			Name: "cross", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
			RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: "444455556666",
		},
		Principals: []string{"arn:aws:iam::873682911326:role/Worker"}, ExternalIDs: []string{goodID},
	}
}

// TestFixesLetNobodyElseIn fixes statements for everyone: what nobody could do
// before, not everyone can afterwards.
func TestFixesLetNobodyElseIn(t *testing.T) {
	t.Parallel()
	const both = `"Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"]`
	condition := func(operator, key, value string) string {
		return `"Action":"s3:*",` + both + `,"Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}`
	}
	for _, rest := range []string{
		condition("StringEquals", "aws:PrincipalOrgID", "*"), condition("StringEquals", "aws:SourceVpce", "vpce-*"), condition("StringEquals", "aws:PrincipalAccount", "*"),
		condition("StringEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/Worker"), condition("StringEquals", "aws:UserAgent", "secret-*"), condition("StringEquals", "aws:Referer", "https://*"),
		`"Action":"s3:GetObjects","Resource":"arn:aws:s3:::acme-masters/*"`, `"Action":"s3:ListObjects","Resource":"arn:aws:s3:::acme-masters"`,
		`"Action":"s3:HeadBucket","Resource":"arn:aws:s3:::acme-masters"`, `"Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters/*"`,
		`"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters"`, `"Action":"s3:GetObject","Resource":"s3://acme-masters/*"`,
	} {
		for _, principal := range []string{`"*"`, `{"AWS":"*"}`} {
			text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,` + rest + `}]}`
			got := check(t, []byte(text), lint.Options{Kind: policy.BucketDocument})
			if fixed := string(got.Fixed); strings.Contains(fixed, "Like") || got.Fixed != nil && !strings.Contains(text, `"s3:*"`) {
				t.Errorf("%s became %s", text, got.Fixed)
			}
			if len(got.Findings) == 0 {
				t.Errorf("%s: nothing is found", text)
			}
		}
	}
}

// TestFixesLeaveOthersAlone fixes trust policies that trust others, too: what
// these need stays as it is.
func TestFixesLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	const ours = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}}`
	statement := func(principal, rest string) string {
		return `{"Sid":"Other","Effect":"Allow","Principal":{"AWS":` + principal + `},"Action":"sts:AssumeRole"` + rest + `}`
	}
	for _, theirs := range []string{
		statement(`"arn:aws:iam::999988887777:role/v2"`, `,"Condition":{"StringEquals":{"sts:ExternalId":"v2-9c8b7a"}}`),
		statement(`"arn:aws:iam::999988887777:role/v2"`, `,"Condition":{"StringEquals":{"sts:ExternalId":"123456789012"}}`),
		statement(`"arn:aws:iam::999988887777:role/v2"`, `,"Condition":{"StringLike":{"sts:ExternalId":"v2-*"}}`),
		statement(`"arn:aws:iam::111122223333:root"`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`),
		statement(`"arn:aws:iam::111122223333:user/boss"`, `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`),
		statement(`["arn:aws:iam::111122223333:role/dev-team","arn:aws:iam::111122223333:role/testing-lead"]`, ""),
		statement(`["arn:aws:iam::999988887777:role/uat","arn:aws:iam::999988887777:role/other"]`, ""),
	} {
		for _, text := range []string{ours + "," + theirs, strings.Replace(ours, "StringEquals", "StringEqualsIfExists", 1) + "," + theirs} {
			got := check(t, []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`), lint.Options{Kit: harmKit(), Kind: policy.TrustDocument})
			if got.Fixed == nil {
				continue
			}
			if fixed := strings.Join(strings.Fields(string(got.Fixed)), ""); !strings.Contains(fixed, theirs) {
				t.Errorf("%s became %s", text, fixed)
			}
		}
	}
	// Those who are named beside us send another id, or none.
	for _, text := range []string{
		`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::873682911326:role/Worker","arn:aws:iam::111122223333:role/dev-team"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}}`,
		`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::873682911326:role/Worker","arn:aws:iam::999988887777:role/v2"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"v2-9c8b7a"}}}`,
	} {
		got := check(t, []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`), lint.Options{Kit: harmKit(), Kind: policy.TrustDocument})
		if fixed := strings.Join(strings.Fields(string(got.Fixed)), ""); got.Fixed != nil && !strings.Contains(fixed, text) {
			t.Errorf("%s became %s", text, fixed)
		}
	}
	// A new Allow has the customer's condition, or is not made.
	for _, limit := range []string{`"NumericGreaterThanEquals":{"s3:TlsVersion":"1.2"}`, `"StringEquals":{"s3:prefix":"in/"}`} {
		text := strings.Replace(ours, `"Condition":{`, `"Condition":{`+limit+`,`, 1)
		got := check(t, []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`), lint.Options{Kit: harmKit(), Kind: policy.TrustDocument})
		if fixed := string(got.Fixed); strings.Count(fixed, `"Allow"`) > 1 {
			t.Errorf("%s became %s", text, fixed)
		}
	}
}

// TestFixesCopyNothingThatIsNeverMet fixes a document that allows the role under a
// condition that no request meets: one more Allow under it would be of no use, and
// one without it would undo it.
func TestFixesCopyNothingThatIsNeverMet(t *testing.T) {
	t.Parallel()
	for _, never := range []string{`"StringEquals":{"aws:SourceIp":"0.0.0.0/0"}`, `"IpAddress":{"aws:SourceIp":"203.0.113.0/33"}`, `"StringEquals":{"aws:PrincipalOrgID":"acme"}`} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":"s3:GetObject",` +
			`"Resource":"arn:aws:s3:::acme-masters/in/*","Condition":{` + never + `}}]}`
		got := check(t, []byte(text), lint.Options{Kit: harmKit(), Kind: policy.BucketDocument})
		if strings.Contains(string(got.Fixed), "s3:ListBucket") {
			t.Errorf("%s: %s", never, got.Fixed)
		}
	}
}

// TestFixesLeaveTheRightsOfOthers fixes documents in which others have rights of
// theirs: what they need is not known here.
func TestFixesLeaveTheRightsOfOthers(t *testing.T) {
	t.Parallel()
	const both = `"Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"]`
	ours := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-masters/in/*"]}`
	for kind, theirs := range map[policy.Kind][]string{
		policy.BucketDocument: {
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/owner"},"Action":"s3:*",` + both + `}`,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/owner"},"Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":"arn:aws:s3:::acme-masters/*"}`,
			`{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:*","Resource":"arn:aws:s3:::acme-masters/*","Condition":{"StringEquals":{"aws:SourceAccount":"444455556666"}}}`,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/billing"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/invoices/*"}`,
		},
		policy.TrustDocument: {
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/boss"},"Action":"sts:*"}`,
			`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`,
		},
	} {
		for _, statement := range theirs {
			text := `{"Version":"2012-10-17","Statement":[` + statement
			if kind == policy.BucketDocument {
				text += "," + ours
			}
			for _, kit := range []*policy.KitRequest{nil, harmKit()} {
				got := check(t, []byte(text+"]}"), lint.Options{Kit: kit, Kind: kind})
				if fixed := strings.Join(strings.Fields(string(got.Fixed)), ""); got.Fixed != nil && !strings.Contains(fixed, statement) {
					t.Errorf("%s became %s", statement, fixed)
				}
			}
		}
	}
}

// TestFixedDocumentsAreStorable gives no fixed document where a principal stays
// in it that AWS does not know.
func TestFixedDocumentsAreStorable(t *testing.T) {
	t.Parallel()
	for _, principal := range []string{
		"arn:aws:iam::873682911326:group/x", "arn:aws:iam::873682911326:policy/x", "arn:aws:iam::873682911326:oidc-provider/x", "arn:aws:iam::873682911326:role",
		"arn:aws:iam::aws:role/x", "arn:aws:iam::87368291132:role/x", "arn:aws:iam::873682911326:root/", "arn:aws:iam::873682911326:Role/Worker",
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}}]}`
		if got := check(t, []byte(text), lint.Options{Kit: harmKit(), Kind: policy.TrustDocument}); strings.Contains(string(got.Fixed), principal) {
			t.Errorf("%s stays: %s", principal, got.Fixed)
		}
	}
}

// TestMisspeltActionsStay checks that an action with a typo is not removed as one that
// belongs elsewhere.
func TestMisspeltActionsStay(t *testing.T) {
	t.Parallel()
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSessions"]}]}`
	r := check(t, []byte(text), lint.Options{Kind: policy.TrustDocument})
	if len(of(r, "action-misplaced")) > 0 || len(of(r, "action-unknown")) != 1 || r.Fixed != nil {
		t.Errorf("%+v became %s", r.Findings, r.Fixed)
	}
}
