package check

import (
	"cmp"
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
)

// bucketSteps are the steps that look at the bucket, under credentials as the
// connection's jobs get them.
func bucketSteps() []step {
	const (
		absent, random, near         = rolecall.StepExternalIDAbsent, rolecall.StepExternalIDRandom, rolecall.StepExternalIDNear
		region, owner, list, read    = rolecall.StepRegion, rolecall.StepOwner, rolecall.StepList, rolecall.StepRead
		write, multipart, encryption = rolecall.StepWrite, rolecall.StepMultipart, rolecall.StepEncryption
	)
	return []step{
		{name: region, needs: []string{rolecall.StepARN}, run: located},
		{name: owner, needs: []string{rolecall.StepAssume, absent, random, near, region}, run: owned},
		{name: list, needs: []string{owner}, run: listable},
		{name: read, needs: []string{owner}, after: []string{list}, run: readable},
		{name: write, needs: []string{owner}, run: writable},
		{name: multipart, needs: []string{write}, run: inParts},
		{name: encryption, needs: []string{write}, run: encrypted},
		{name: rolecall.StepKey, needs: []string{owner}, after: []string{read, write, multipart, encryption}, run: keyed},
		{name: rolecall.StepOwnership, needs: []string{owner}, after: []string{write}, run: belongs},
		{name: rolecall.StepCleanup, after: []string{write, multipart, encryption, rolecall.StepKey, rolecall.StepOwnership}, always: true, run: cleaned},
	}
}

// bucketWork is what the steps here learn.
type bucketWork struct {
	region    string // by located; empty: not known
	dispensed string // by owned: the account that a dispenser's credentials are of
	reading   *s3.Client
	listing   *listing // by owned: the first; taken by listable
	opened    bool     // by owned: that passed
	keys      []types.Object
	listed    bool // by listable: it passed
	readKey   *refusal.Answer
	read      bool                // by readable: it passed
	kept      rolecall.Encryption // by readable: of what it read
	writeWork
}

// fixedKey is what a check writes below the connection's prefix.
const fixedKey = ".rolecall-check"

func (w *work) fixedKey() string { return w.Connection.Prefix + fixedKey }

// attempts of one request: who is overloaded is not waited for.
const attempts = 3

// endpoint is where S3 is; empty: AWS's.
func (w *work) endpoint() string {
	endpoint, _ := w.Endpoint(w.place())
	return endpoint
}

// owner is the account that must own the bucket, empty where nobody said.
func (w *work) owner() string {
	return cmp.Or(w.Connection.BucketOwner, w.arn.Account, w.dispensed)
}

// client returns a client whose credentials can do the operations on the
// connection's place, unless none can be had. Those of secrets cannot be
// narrowed.
func (w *work) client(ctx context.Context, operations ...policy.Operation) (*s3.Client, error) {
	return w.open(ctx, w.request(operations...))
}

// writer returns a client that can do what tasks that deliver do.
func (w *work) writer(ctx context.Context, more ...policy.Operation) (*s3.Client, error) {
	return w.client(ctx, append([]policy.Operation{policy.Write, policy.Read}, more...)...)
}

// open returns a client for a request.
func (w *work) open(ctx context.Context, r access.Request) (*s3.Client, error) {
	c, err := w.Credential(r)
	if err != nil {
		return nil, err
	}
	client, _, err := w.take(ctx, r, c)
	return client, err
}

// take returns a client with the credential, and the first that it returns. It is
// taken now, so that what is wrong with a role is not reported as S3's fault.
func (w *work) take(ctx context.Context, r access.Request, c access.Credential) (*s3.Client, aws.Credentials, error) {
	first, err := c.Retrieve(ctx)
	if err != nil {
		return nil, first, err
	}
	return w.Client(r, c).Client, first, nil
}

// asOwner and payer go with every request on the bucket.
func (w *work) asOwner() *string {
	if owner := w.owner(); owner != "" {
		return &owner
	}
	return nil
}

func (w *work) payer() types.RequestPayer {
	if w.Connection.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

// beside runs functions side by side.
func beside(all ...func()) {
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(f)
	}
	wg.Wait()
}
