package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// A document that is another's is not taken for the connection's.
func TestGivenConcerns(t *testing.T) {
	t.Parallel()
	const anyone = `{"Effect":"Deny","Principal":"*",`
	for _, c := range []struct {
		kind       policy.Kind
		statements string
		want       bool
	}{
		{policy.BucketDocument, anyone + `"Action":"s3:*","Resource":"arn:aws:s3:::acme/*"}`, true},
		{policy.BucketDocument, anyone + `"Action":"s3:*","Resource":["arn:aws:s3:::ac*"]}`, true},
		{policy.BucketDocument, anyone + `"NotAction":"s3:Get*","NotResource":"arn:aws:s3:::acme/in/*"}`, true},
		{policy.BucketDocument, anyone + `"Action":"*","Resource":"*"}`, true},
		{policy.BucketDocument, anyone + `"Action":"s3:*","Resource":["arn:aws:s3:::other-bucket","arn:aws:s3:::other-bucket/*"]}`, false},
		{policy.BucketDocument, anyone + `"Action":"s3:*","Resource":["arn:aws:s3:::acme-2","arn:aws:s3:::other/acme/*"]}`, false},
		{policy.BucketDocument, anyone + `"Action":"sts:AssumeRole"}`, false},
		{policy.BucketDocument, anyone + `"Action":"kms:*","Resource":"*"}`, false},
		{policy.KeyDocument, anyone + `"Action":"kms:*","Resource":"*"}`, true},
		{policy.KeyDocument, anyone + `"Action":"s3:*","Resource":"*"}`, false},
		{policy.KeyDocument, anyone + `"Action":"sts:AssumeRole"}`, false},
		{policy.TrustDocument, anyone + `"Action":"sts:AssumeRole"}`, true},
		{policy.TrustDocument, anyone + `"Action":"s3:*","Resource":"arn:aws:s3:::acme/*"}`, false},
		{policy.TrustDocument, anyone + `"Action":"*","Resource":"arn:aws:s3:::acme/*"}`, false},
		{policy.PermissionsDocument, `{"Effect":"Allow","Action":"logs:*","Resource":"*"}`, true},
		{policy.BucketDocument, "", true},
	} {
		d := parsed(t, `{"Version":"2012-10-17","Statement":[`+c.statements+`]}`)
		err := Given{Kind: c.kind, Document: d}.Concerns(rolecall.Connection{Bucket: "acme"})
		if (err == nil) != c.want || err != nil && (rolecall.List(err)[0].Code != rolecall.Invalid || !strings.HasPrefix(rolecall.List(err)[0].Hint, "You: ")) {
			t.Errorf("%s %s: %v", c.kind, c.statements, err)
		}
	}
}
