package lint_test

import (
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// TestPublic checks that only to read may be meant for everyone.
func TestPublic(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]lint.Severity{
		`"s3:GetObject"`: lint.Warning, `["s3:GetObject","s3:ListBucket"]`: lint.Warning, `"s3:Get*"`: lint.Warning,
		`"s3:PutObject"`: lint.Error, `"s3:*"`: lint.Error, `"*"`: lint.Error, `["s3:GetObject","s3:PutBucketPolicy"]`: lint.Error, `"s3:DeleteObject"`: lint.Error,
	} {
		r := check(t, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":`+action+`,"Resource":"arn:aws:s3:::acme-masters/*"}}`),
			lint.Options{Kind: policy.BucketDocument})
		if found := of(r, "principal-anyone"); len(found) != 1 || found[0].Severity != want {
			t.Errorf("%s: %+v", action, found)
		}
	}
}
