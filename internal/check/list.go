package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
)

// listable judges the listing that the step owner made, and makes it again
// when tried again.
func listable(ctx context.Context, w *work) finding {
	l := w.listing
	if w.listing = nil; l == nil {
		l = w.list(ctx)
	}
	q := question{verb: "list the bucket", action: "s3:ListBucket"}
	if l.err != nil {
		if refusal.Read(l.err).Bare() && w.pays(ctx) {
			return w.unpaid()
		}
		f := w.diagnose(ctx, q, l.err)
		if f.denied && len(f.patches) > 0 {
			f.hint = joined(f.hint, w.elsewhereHint())
		}
		return w.orOtherCase(ctx, f)
	}
	w.keys = l.keys
	if l.below != nil {
		q.verb, q.opened = "list "+w.below()+", while the prefix itself can be listed", true
		return w.diagnose(ctx, q, l.below)
	}
	w.listed = true
	switch n := len(l.keys); {
	case n == 0:
		return passed("the prefix can be listed, and is empty")
	case n == few:
		return passed("the prefix can be listed: %s or more", counted(n, "object"))
	default:
		return passed("the prefix can be listed: %s", counted(n, "object"))
	}
}

// elsewhereHint says that the patches open what is declared, which may not
// be what is meant.
func (w *work) elsewhereHint() string {
	if w.Connection.Prefix == "" {
		return "Operator: if the connection is meant for a part of the bucket, declare its prefix; without one the documents open the whole bucket"
	}
	return fmt.Sprintf("Operator: if the connection is not meant for %q, correct its prefix instead", w.Connection.Prefix)
}

// orOtherCase adds to a denial that the prefix may be meant in lower case, if
// objects can be listed there.
func (w *work) orOtherCase(ctx context.Context, f finding) finding {
	lower := strings.ToLower(w.Connection.Prefix)
	if !f.denied || lower == w.Connection.Prefix {
		return f
	}
	request := w.request(policy.Read, policy.List)
	request.Place.Key = lower
	client, err := w.open(ctx, request)
	if err != nil {
		return f
	}
	out, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &w.Connection.Bucket, Prefix: &lower, MaxKeys: aws.Int32(1), ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	})
	if err != nil || len(out.Contents) == 0 {
		return f
	}
	f.first(rolecall.LayerName, w.changed(func(c *rolecall.Connection) { c.Prefix = lower }))
	f.message += fmt.Sprintf("; there are objects below %q", lower)
	f.hint = fmt.Sprintf("Operator: declare the prefix %q, if it is meant; upper and lower case differ. Else ", lower) + f.hint
	return f
}

// pays reports whether the bucket opens to who pays for requests.
func (w *work) pays(ctx context.Context) bool {
	if w.Connection.RequesterPays {
		return false
	}
	return w.opens(ctx, w.asOwner(), types.RequestPayerRequester) == nil
}

func (w *work) unpaid() finding {
	f := failed(rolecall.LayerName, "the bucket has its requesters pay, and the connection does not say that we do",
		"Operator: declare requester_pays; AWS then charges the role's account for requests and traffic")
	f.patches = w.changed(func(c *rolecall.Connection) { c.RequesterPays = true })
	return f
}
