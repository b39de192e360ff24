package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/policy"
)

// TestHints does what each hint about a given document says: then it is taken.
func TestHints(t *testing.T) {
	t.Parallel()
	const (
		trust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}`
		bucket = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + us + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/*"}]}`
		key    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
		role   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/*"}]}`
	)
	given := func(kind policy.Kind, text string) Given { return Given{Kind: kind, Document: parsed(t, text)} }
	taken := func(all []Given) []string {
		var out []string
		for i, g := range all {
			err := g.Fits(all[:i])
			if err == nil {
				err = g.Concerns(rolecall.Connection{Bucket: "acme"})
			}
			for _, e := range rolecall.List(err) {
				out = append(out, e.Hint)
			}
		}
		return out
	}
	var done []string
	for _, c := range []struct {
		wrong    []Given
		hint     string
		followed [][]Given
	}{
		{[]Given{given(policy.TrustDocument, trust), given(policy.TrustDocument, trust)}, "give one of this kind", [][]Given{{given(policy.TrustDocument, trust)}}},
		{[]Given{given(policy.TrustDocument, strings.ReplaceAll(trust, "sts:AssumeRole", "s3:GetObject"))}, "as aws iam get-role shows it", [][]Given{{given(policy.TrustDocument, trust)}}},
		{[]Given{given(policy.BucketDocument, strings.ReplaceAll(bucket, "acme", "other"))}, "get-bucket-policy prints", [][]Given{{given(policy.BucketDocument, bucket)}}},
		{[]Given{given(policy.KeyDocument, bucket)}, "get-key-policy prints", [][]Given{{given(policy.KeyDocument, key)}}},
	} {
		hints := taken(c.wrong)
		if len(hints) != 1 || !strings.Contains(hints[0], c.hint) {
			t.Errorf("the hints are %q, not %q", hints, c.hint)
		}
		done = append(done, hints...)
		for _, followed := range c.followed {
			if left := taken(followed); len(left) > 0 {
				t.Errorf("by %q: %q", hints, left)
			}
		}
	}

	// Each kind that is named in the place of one that is none can be given.
	documents := map[policy.Kind]string{
		policy.TrustDocument: trust, policy.BucketDocument: bucket, policy.KeyDocument: key,
		policy.WorkerDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + us + `"}]}`,
		policy.RCPDocument:    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`,
	}
	hints := taken([]Given{given("buckets", bucket)})
	if len(hints) != 1 {
		t.Fatalf("the hints are %q", hints)
	}
	done = append(done, hints...)
	_, names, _ := strings.Cut(hints[0], "You: name one of ")
	for name := range strings.SplitSeq(names, ", ") {
		document, own := documents[policy.Kind(name)]
		if !own {
			document = role
		}
		if left := taken([]Given{given(policy.Kind(name), document)}); len(left) > 0 {
			t.Errorf("%s, by %q: %q", name, hints, left)
		}
	}
	hinttest.Followed(t, ".", done, nil)
}
