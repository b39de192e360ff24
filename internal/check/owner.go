package check

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// owned asks for credentials and lists the bucket as its declared owner's.
// S3 answers a wrong owner with a bare denial.
func owned(ctx context.Context, w *work) finding {
	if f, refused := w.stranger(); refused {
		return f
	}
	var err error
	safely.Beside(func() {
		var credentials aws.Credentials
		request := w.request(policy.Read, policy.List)
		credential, failed := w.Credential(request)
		if err = failed; err == nil {
			w.reading, credentials, err = w.take(ctx, request, credential)
		}
		if err != nil {
			return
		}
		if w.Connection.HTTPCredentialSource != nil {
			w.dispensed = credentials.AccountID
		}
		w.listing = w.list(ctx)
		w.opened = w.listing.err == nil
	}, func() {
		if w.Connection.Purpose == rolecall.Delivery {
			_, _ = w.writer(ctx) // so that the step write finds it made
		}
	})
	if err != nil {
		return w.without(ctx, err)
	}
	owner := w.owner()
	switch a := refusal.Read(w.listing.err); {
	case owner == "":
		return finding{
			result: rolecall.CheckWarn, message: "the connection does not say whose the bucket is: requests are not held to an owner",
			hint: "Operator: declare bucket_owner; a name that was given up may be taken by others",
		}
	case w.listing.err == nil:
		return passed("the bucket is the account %s's", owner)
	case !a.Bare():
		return skipped("not told while listing fails: see the step list")
	default:
		return w.disowned(ctx)
	}
}

// stranger refuses what would lead into the vendor's accounts.
func (w *work) stranger() (finding, bool) {
	c := w.Connection
	if w.Vendor.Owns(c.BucketOwner) {
		return failed(rolecall.LayerName, "the bucket is not usable", "Operator: give as bucket_owner the customer's account, which owns the bucket"), true
	}
	if c.Encryption != nil {
		if key, err := rolecall.ParseARN(c.Encryption.Key); err == nil && w.Vendor.Owns(key.Account) {
			return failed(rolecall.LayerName, "the KMS key is not usable", "Operator: give a key of the customer's"), true
		}
	}
	return finding{}, false
}

// disowned finds out whether a bare denial is about the owner. It repeats the
// listing without saying whose the bucket should be, and reads nothing of it.
func (w *work) disowned(ctx context.Context) finding {
	var free, paid, both error
	safely.Beside(
		func() { free = w.opens(ctx, nil, w.payer()) },
		func() { paid = w.opens(ctx, w.asOwner(), types.RequestPayerRequester) },
		func() { both = w.opens(ctx, nil, types.RequestPayerRequester) },
	)
	declared := w.owner()
	switch {
	case paid == nil: // the step list tells about it
		return passed("the bucket is the account %s's", declared)
	case free == nil || both == nil:
		account, known := w.whose(ctx, free != nil)
		if known && account == declared { // what was denied at first is not any more
			return passed("the bucket is the account %s's", declared)
		}
		f := failed(rolecall.LayerName, fmt.Sprintf("the bucket is not the account %s's", declared), "")
		switch {
		case !known:
			f.hint = "Operator: declare whose it is as bucket_owner; if that should be " + declared + ", correct the bucket's name, which others may have taken"
		case w.Vendor.Owns(account):
			f.message, f.hint = "the bucket is not usable", "Operator: give a bucket in the customer's account"
		default:
			f.message += fmt.Sprintf(": it is %s's", account)
			f.hint = "Operator: declare it as bucket_owner only if the customer knows that account, since others can take a name that was given up; else correct the name"
			f.patches = w.changed(func(c *rolecall.Connection) {
				c.BucketOwner, c.RequesterPays = account, c.RequesterPays || free != nil
			})
		}
		return f
	case declared == w.arn.Account && w.Connection.RoleARN != "":
		// Within one account AWS says whose policy refuses.
		f := w.diagnose(ctx, question{verb: "list the bucket", action: "s3:ListBucket"}, w.listing.err)
		f.first(rolecall.LayerName, nil)
		f.message = fmt.Sprintf("the bucket does not seem to be the account %s's: within an account S3 says what refuses, and here it does not", declared)
		f.hint = joined("Operator: correct the bucket's name, or declare whose it is as bucket_owner; its policy must let the role in then", f.hint)
		return f
	default:
		return skipped("not told while listing is refused: see the step list")
	}
}

// whose finds out which account owns a bucket that the role may list. It is a
// help for whoever mistyped an account; see policy.OwnerQuestions.
func (w *work) whose(ctx context.Context, paying bool) (string, bool) {
	questions, err := policy.OwnerQuestions(w.request().Scope())
	if err != nil || w.Connection.RoleARN == "" {
		return "", false
	}
	payer := w.payer()
	if paying {
		payer = types.RequestPayerRequester
	}
	allowed := make([]bool, len(questions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, q := range questions {
		g.Go(func() error {
			return safely.Do(func() error {
				client, _, err := w.take(gctx, w.request(), w.UnderPolicy(w.request(), q.Policy))
				if err != nil {
					return err
				}
				_, err = client.ListObjectsV2(gctx, &s3.ListObjectsV2Input{Bucket: &w.Connection.Bucket, Prefix: &q.Prefix, MaxKeys: aws.Int32(1), RequestPayer: payer})
				if allowed[i] = err == nil; err != nil && refusal.Read(err).Kind != transfer.Denied {
					return err
				}
				return nil
			})
		})
	}
	if g.Wait() != nil {
		return "", false
	}
	return policy.OwnerOf(allowed)
}
