package check

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/transfer"
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
	readKey   *answer
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
func (w *work) endpoint() string { return cmp.Or(w.Connection.S3EndpointURL, w.S3Endpoint) }

func (w *work) http() transfer.HTTPClient {
	if url := w.Connection.S3EndpointURL; url != "" {
		return w.clients.Tenant(url)
	}
	return w.clients.Operator
}

// owner is the account that must own the bucket, empty where nobody said.
func (w *work) owner() string {
	return cmp.Or(w.Connection.BucketOwner, w.arn.Account, w.dispensed)
}

// scope is what a session for one kind of work on the connection may do, as
// the sessions of tasks.
func (w *work) scope(operations ...policy.Operation) policy.Scope {
	return policy.Scope{
		Partition: w.Principal.ARN.Partition, Region: w.region, Bucket: w.Connection.Bucket, Prefixes: []string{w.Connection.Prefix},
		Operations: operations, KMSKey: policy.AnyKey,
	}
}

// client gives a client whose credentials can do what the scope says, unless
// none can be had. Those of secrets cannot be narrowed.
func (w *work) client(ctx context.Context, scope policy.Scope) (*s3.Client, aws.Credentials, error) {
	provider, err := w.provider(scope)
	if err != nil {
		return nil, aws.Credentials{}, err
	}
	return w.clientOf(ctx, provider)
}

// underPolicy gives a client of a session of the role.
func (w *work) underPolicy(ctx context.Context, text []byte) (*s3.Client, error) {
	role := w.role()
	role.Policy = text
	client, _, err := w.clientOf(ctx, w.Vault.Role(role))
	return client, err
}

func (w *work) clientOf(ctx context.Context, provider *credential.Provider) (*s3.Client, aws.Credentials, error) {
	// Taken now, so that what is wrong with a role is not told as S3's fault.
	credentials, err := provider.Retrieve(ctx)
	if err != nil {
		return nil, credentials, err
	}
	endpoint := w.endpoint()
	return transfer.NewClient(transfer.ClientOptions{
		Credentials: provider, Region: w.region, Endpoint: endpoint, PathStyle: endpoint != "", HTTP: w.http(), UserAgent: "check", Attempts: attempts,
	}).Client, credentials, nil
}

func (w *work) provider(scope policy.Scope) (*credential.Provider, error) {
	c := w.Connection
	switch {
	case c.Secret != "":
		return w.Vault.Secret(credential.SecretRequest{
			Organization: w.Organization.APIName, Secret: w.Organization.Secrets[c.Secret], Bucket: c.Bucket, Revision: w.ID,
		}), nil
	case c.HTTPCredentialSource != nil:
		access := credential.AccessRead
		if slices.Contains(scope.Operations, policy.Write) {
			access = credential.AccessWrite
		}
		return w.Vault.Dispenser(w.dispenserRequest(access)), nil
	}
	text, err := policy.Session(scope)
	if err != nil {
		return nil, err
	}
	role := w.role()
	role.Policy = text
	return w.Vault.Role(role), nil
}

// dispenserRequest asks the connection's dispenser as its tasks do.
func (w *work) dispenserRequest(access string) credential.DispenserRequest {
	c, tool := w.Connection, rolecall.StorageGet
	if access == credential.AccessWrite {
		tool = rolecall.StoragePut
	}
	return credential.DispenserRequest{
		Organization: w.Organization.APIName, Principal: w.Principal.Name, Source: *c.HTTPCredentialSource,
		Secret: w.Organization.Secrets[c.HTTPCredentialSource.Secret], ExternalID: w.externalID(),
		JobID: w.ID, TaskID: "check", TaskLabel: "check", Tool: tool, Bucket: c.Bucket, Prefix: c.Prefix, Access: access, Region: w.stsRegion(),
	}
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
