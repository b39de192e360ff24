package sandbox

import (
	"testing"

	"github.com/rolecall/rolecall/policy"
)

// FuzzAttach: what the sandbox reads of a document is what package policy
// reads, whatever its form; a trust or bucket policy that it takes is a
// policy of a resource.
func FuzzAttach(f *testing.F) {
	d := newDirectory(&Config{Accounts: map[string]*Account{"111122223333": {}}}, nil)
	i := &iamCall{directory: d}
	for _, text := range []string{
		"", trustsProduction, readsMasters, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`,
		`{"Statement":[]}`, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333"]},"NotAction":["s3:*"],"NotResource":["arn:aws:s3:::b"]}}`,
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`, `{"Statement":[{"Effect":"Allow","Action":[],"Resource":[]}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := policy.Parse([]byte(text))
		fits := err == nil && doc.Fit(policy.Identity) == nil
		_, fail := readIdentityPolicy(text)
		// IAM refuses more than the grammar does.
		excused := false
		if fits {
			_, message := identityFault(statements(doc))
			excused = message != "" || len(statements(doc)) == 0
		}
		if fits != (fail == nil) && !excused {
			t.Errorf("%s: %v, and for IAM %v", text, err, fail)
		}
		if trust, fail := i.readTrust(text); fail == nil && trust.Fit(policy.ResourcePolicy) != nil {
			t.Errorf("a trust policy names nobody: %s", text)
		}
		if bucket, fail := d.readBucketPolicy("b", []byte(text)); fail == nil && bucket.Fit(policy.ResourcePolicy) != nil {
			t.Errorf("a bucket's policy names nobody: %s", text)
		}
	})
}
