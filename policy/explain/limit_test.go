package explain_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// A statement beside one whose conditions the request does not meet says so, and
// is for what the request has.
func TestChangesSayWhatTheyGoPast(t *testing.T) {
	t.Parallel()
	const (
		reader = `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/reader"},"Action":["s3:GetObject","s3:GetObjectTagging"],"Resource":"arn:aws:s3:::acme-masters/*"`
		trust  = `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/reader"},"Action":["sts:AssumeRole","sts:TagSession"]`
		trail  = `"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::acme-masters/*"`
		role   = "arn:aws:iam::444455556666:role/reader"
	)
	for name, c := range map[string]struct {
		principal, action, statement, condition string
		context                                 map[string]string
		says, binds                             string
	}{
		"second factor": {role, "sts:AssumeRole", trust, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, map[string]string{"aws:MultiFactorAuthPresent": "false"}, `under Bool aws:MultiFactorAuthPresent "true" alone`, ""},
		"address":       {role, "s3:GetObject", reader, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, map[string]string{"aws:SourceIp": "198.51.100.7"}, `under IpAddress aws:SourceIp "203.0.113.0/24" alone`, `"IpAddress":{"aws:SourceIp":["198.51.100.7"]}`},
		"organization":  {role, "s3:GetObject", reader, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, map[string]string{"aws:PrincipalOrgID": "o-stranger12"}, `under StringEquals aws:PrincipalOrgID "o-a1b2c3d4e5" alone`, `"StringEquals":{"aws:PrincipalOrgID":["o-stranger12"]}`},
		"endpoint":      {role, "s3:GetObject", reader, `{"StringLike":{"aws:SourceVpce":"vpce-1*"}}`, map[string]string{"aws:SourceVpce": "vpce-2a"}, `under StringLike aws:SourceVpce "vpce-1*" alone`, `"StringEquals":{"aws:SourceVpce":["vpce-2a"]}`},
		"expired":       {role, "s3:GetObject", reader, `{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, map[string]string{"aws:CurrentTime": "2026-01-01T00:00:00Z"}, `under DateLessThan aws:CurrentTime "2020-01-01T00:00:00Z" alone`, ""},
		"another trail": {
			"cloudtrail.amazonaws.com", "s3:PutObject", trail, `{"ArnEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/t"}}`,
			map[string]string{"aws:SourceArn": "arn:aws:cloudtrail:eu-central-1:999988887777:trail/t"},
			`under ArnEquals aws:SourceArn "arn:aws:cloudtrail:eu-central-1:111122223333:trail/t" alone`, `"ArnEquals":{"aws:SourceArn":["arn:aws:cloudtrail:eu-central-1:999988887777:trail/t"]}`,
		},
		"one given, one not": {
			role, "s3:GetObject", reader, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}`,
			map[string]string{"aws:SourceIp": "198.51.100.7"},
			`under Bool aws:MultiFactorAuthPresent "true" alone`, `"IpAddress":{"aws:SourceIp":["198.51.100.7"]}`,
		},
		"no id": {role, "sts:AssumeRole", trust, `{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/other"}}`, nil, "it asks for no external id: if account 444455556666 is another company's", ""},
		"an id that is met": {
			role, "sts:AssumeRole", trust, `{"StringEquals":{"sts:ExternalId":"acme-42"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`,
			map[string]string{"sts:ExternalId": "acme-42", "aws:SourceIp": "198.51.100.7"},
			`under IpAddress aws:SourceIp "203.0.113.0/24" alone`, `"sts:ExternalId":"acme-42"`,
		},
	} {
		d := parse(t, document(`{`+c.statement+`,"Condition":`+c.condition+`}`))
		in := policy.Request{Principal: c.principal, Action: c.action, Resource: "arn:aws:s3:::acme-masters/a", Account: "111122223333", Context: map[string][]string{}}
		if strings.HasPrefix(c.action, "sts:") {
			in.Resource = "arn:aws:iam::111122223333:role/media"
		}
		for key, value := range c.context {
			in.Context[key] = []string{value}
		}
		all := parse(t, document(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
		change, ok := explain.Smallest(in, policy.Policies{Identity: []*policy.Document{all}, Resource: d})
		if !ok || len(change.Edits) == 0 || change.Edits[0].Document == nil {
			t.Errorf("%s: %t %+v", name, ok, change)
			continue
		}
		if e := change.Edits[0]; !strings.Contains(e.Text, c.says) || !strings.Contains(string(e.Document.JSON()), c.binds) {
			t.Errorf("%s: %s: %s", name, e.Text, e.Document.JSON())
		}
	}
}

// What can be sent comes first, what was not given is not dropped, and an id is one's
// own.
func TestChangesAskBeforeTheyOpen(t *testing.T) {
	t.Parallel()
	const (
		role  = "arn:aws:iam::111122223333:role/media"
		allow = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},`
		deny  = `{"Effect":"Deny","Principal":"*",`
		all   = `"Action":"s3:*","Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]`
		trust = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-1"}}}`
	)
	for name, c := range map[string]struct {
		principal, action, resource, statements string
		context                                 map[string]string
		says                                    string
	}{
		"a header that must be there": {role, "s3:PutObject", "arn:aws:s3:::acme/a", allow + all + `},` + deny + `"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme/*","Condition":{"Null":{"s3:x-amz-server-side-encryption":"true"}}}`, nil, "ask with s3:x-amz-server-side-encryption AES256"},
		"a newer TLS":                 {role, "s3:GetObject", "arn:aws:s3:::acme/a", allow + all + `},` + deny + all + `,"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}`, map[string]string{"s3:TlsVersion": "1.1"}, "ask with s3:TlsVersion 1.2"},
		"a prefix":                    {role, "s3:ListBucket", "arn:aws:s3:::acme", allow + `"Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme","Condition":{"StringLike":{"s3:prefix":"in/*"}}}`, nil, "ask with s3:prefix in/"},
		"a tag of the object's":       {"*", "s3:GetObject", "arn:aws:s3:::acme/a", `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/public":"yes"}}}`, nil, "--context s3:ExistingObjectTag/public=yes"},
		"an id of others in a Deny":   {role, "sts:AssumeRole", "arn:aws:iam::111122223333:role/target", trust + `,` + deny + `"Action":"sts:*","Condition":{"StringNotEquals":{"sts:ExternalId":["v2-1"]}}}`, map[string]string{"sts:ExternalId": "acme-1"}, `add "acme-1" to sts:ExternalId under StringNotEquals of statement 1, for everyone whom it denies`},
	} {
		in := policy.Request{Principal: c.principal, Action: c.action, Resource: c.resource, Account: "222233334444", Context: map[string][]string{}}
		for key, value := range c.context {
			in.Context[key] = []string{value}
		}
		change, ok := explain.Smallest(in, policy.Policies{Identity: []*policy.Document{parse(t, document(`{"Effect":"Allow","Action":"*","Resource":"*"}`))}, Resource: parse(t, document(c.statements))})
		if !ok || len(change.Edits) != 1 || !strings.Contains(change.Edits[0].Text, c.says) {
			t.Errorf("%s: %t %+v", name, ok, change)
		}
	}
}
