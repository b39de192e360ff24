package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// What AWS does not store where it stands is said of a document that is given.
func TestGivenFits(t *testing.T) {
	t.Parallel()
	const ours = `"AWS":["arn:aws:iam::111122223333:role/media","111122223333"]`
	for _, c := range []struct {
		kind      policy.Kind
		statement string
		want      string // the pointer of what is wrong; empty: it fits
	}{
		{policy.TrustDocument, `{"Effect":"Deny","NotPrincipal":{` + ours + `},"Action":"sts:AssumeRole"}`, "/Statement/0/NotPrincipal"},
		{policy.BucketDocument, `{"Effect":"Deny","NotPrincipal":{` + ours + `},"Action":"s3:*","Resource":"arn:aws:s3:::b"}`, ""},
		{policy.RCPDocument, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`, "/Statement/0/Effect"},
		{policy.RCPDocument, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, ""},
		{policy.RCPDocument, `{"Effect":"Deny","Principal":{` + ours + `},"Action":"s3:*","Resource":"*"}`, "/Statement/0/Principal"},
		{policy.PermissionsDocument, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"}`, ""},
	} {
		d := parsed(t, `{"Version":"2012-10-17","Statement":[`+c.statement+`]}`)
		err := Given{Kind: c.kind, Document: d}.Fits(nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || rolecall.List(err)[0].Pointer != c.want || !strings.HasPrefix(rolecall.List(err)[0].Hint, "You: ")) {
			t.Errorf("%s %s: %v", c.kind, c.statement, err)
		}
	}
}
