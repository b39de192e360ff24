package lint_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// TestWhyADenyIsLeft checks that the reason is true: that the Deny would deny
// more, or less, if what the hint says were done. Both are evaluated.
func TestWhyADenyIsLeft(t *testing.T) {
	t.Parallel()
	const allow = `{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket","s3:PutObject"],"Resource":"*"}`
	for _, c := range []struct{ rule, old, new, rest string }{
		{"condition-wildcard", "StringNotEquals", "StringNotLike", `"Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/media*"}}`},
		{"condition-wildcard", "StringEquals", "StringLike", `"Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/media*"}}`},
		{"condition-wildcard", "StringEqualsIfExists", "StringLikeIfExists", `"Action":"s3:*","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/media*"}}`},
		{"condition-key-unknown", "s3:prefx", "s3:prefix", `"Action":"s3:ListBucket","Resource":"*","Condition":{"StringEquals":{"s3:prefx":"in/"}}`},
		{"condition-key-unknown", "s3:prefx", "s3:prefix", `"Action":"s3:ListBucket","Resource":"*","Condition":{"StringNotEquals":{"s3:prefx":"in/"}}`},
		{"condition-key-unknown", "s3:prefx", "s3:prefix", `"Action":"s3:ListBucket","Resource":"*","Condition":{"StringEqualsIfExists":{"s3:prefx":"in/"}}`},
		{"s3-operation", "s3:ListObjects", "s3:ListBucket", `"Action":"s3:ListObjects","Resource":"*"`},
		{"resource-malformed", "arn:aws:s3:eu-central-1:111122223333:acme-masters/in/*", "arn:aws:s3:::acme-masters/in/*", `"Action":"s3:*","Resource":"arn:aws:s3:eu-central-1:111122223333:acme-masters/in/*"`},
		{"resource-malformed", "arn:aws:s3:eu-central-1:111122223333:acme-masters/in/*", "arn:aws:s3:::acme-masters/in/*", `"Action":"s3:*","NotResource":["arn:aws:s3:eu-central-1:111122223333:acme-masters/in/*"]`},
	} {
		document := func(rest string) string {
			return `{"Version":"2012-10-17","Statement":[` + allow + `,{"Effect":"Deny","Principal":"*",` + rest + `}]}`
		}
		found := of(check(t, []byte(document(c.rest)), lint.Options{Kind: policy.BucketDocument}), c.rule)
		if len(found) == 0 || found[0].Fixed {
			t.Errorf("%s, %s: %+v", c.rule, c.rest, found)
			continue
		}
		before, after := passes(t, document(c.rest)), passes(t, document(strings.ReplaceAll(c.rest, c.old, c.new)))
		want := ""
		switch {
		case after > before:
			want = "a Deny would deny less then"
		case after < before:
			want = "a Deny would deny more then"
		}
		if want == "" || !strings.HasSuffix(found[0].Message, want) {
			t.Errorf("%s, %s: %d requests pass before and %d after, and the message is %q", c.rule, c.rest, before, after, found[0].Message)
		}
	}
}

// passes counts how many requests of the grid a document allows.
func passes(t *testing.T, document string) int {
	t.Helper()
	d, err := policy.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, decision := range decided(t, d, policy.BucketDocument) {
		if decision == policy.Allowed {
			n++
		}
	}
	return n
}
