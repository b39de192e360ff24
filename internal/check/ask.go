package check

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

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

// opens asks whether the bucket can be listed, for no more than a name that
// nobody looks at: without an owner it may be a stranger's.
func (w *work) opens(ctx context.Context, owner *string, payer types.RequestPayer) error {
	_, err := w.reading.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &w.Connection.Bucket, Prefix: &w.Connection.Prefix, MaxKeys: aws.Int32(1), ExpectedBucketOwner: owner, RequestPayer: payer,
	})
	return err
}

// list lists what the connection's tasks list first, and a name below.
func (w *work) list(ctx context.Context) *listing {
	l := &listing{}
	safely.Beside(
		func() { l.keys, l.err = w.listAs(ctx, "", w.asOwner(), w.payer()) },
		func() { _, l.below = w.listAs(ctx, fixedKey, w.asOwner(), w.payer()) },
	)
	return l
}

// few is how many keys are looked at for one that can be read.
const few = 50

func (w *work) listAs(ctx context.Context, below string, owner *string, payer types.RequestPayer) ([]types.Object, error) {
	prefix, limit := w.Connection.Prefix+below, int32(few)
	out, err := w.reading.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &w.Connection.Bucket, Prefix: &prefix, MaxKeys: &limit, ExpectedBucketOwner: owner, RequestPayer: payer,
	})
	if err != nil {
		return nil, err
	}
	for _, o := range out.Contents {
		if err := bounded(o.Key); err != nil {
			return nil, err
		}
	}
	return out.Contents, nil
}

// bounded refuses a name that is longer than any of S3's: what a server says,
// which may be a tenant's, goes into reports. Only keys have a limit that is
// documented.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func bounded(name *string) error {
	if n := len(aws.ToString(name)); n > 1024 {
		return &transfer.Error{Kind: transfer.Malformed, Err: fmt.Errorf("a name of %d bytes", n)}
	}
	return nil
}

// get reads the first byte of an object and returns how the object is
// encrypted.
func (w *work) get(ctx context.Context, client *s3.Client, key string) (rolecall.Encryption, error) {
	in := &s3.GetObjectInput{
		Bucket: &w.Connection.Bucket, Key: &key, Range: aws.String("bytes=0-0"),
		ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	}
	out, err := client.GetObject(ctx, in)
	if err != nil && refusal.Read(err).Meaning == awscode.NoRange { // it is empty
		in.Range = nil
		out, err = client.GetObject(ctx, in)
	}
	if err != nil {
		return rolecall.Encryption{}, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(out.Body, 1))
	if closed := out.Body.Close(); err == nil {
		err = closed
	}
	return encryptionOf(out.ServerSideEncryption, out.SSEKMSKeyId), err
}

func (w *work) listParts(ctx context.Context, client *s3.Client, id string) error {
	key := w.fixedKey()
	_, err := client.ListParts(ctx, &s3.ListPartsInput{
		Bucket: &w.Connection.Bucket, Key: &key, UploadId: &id, ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	})
	return err
}

// harmless asks for a session of the role that can do nothing, as the probes'.
func (w *work) harmless() credential.Role {
	r := w.role()
	r.Policy = policy.DenyAll()
	return r
}

// encryptionOf is the encryption in the headers of an answer. A server that a
// tenant chose may say anything.
func encryptionOf(kind types.ServerSideEncryption, key *string) rolecall.Encryption {
	e := rolecall.Encryption{Type: string(kind)}
	if !slices.Contains(strengths, e.Type) {
		return rolecall.Encryption{}
	}
	named := rolecall.Encryption{Type: "aws:kms", Key: aws.ToString(key)}
	if named.Validate() == nil {
		e.Key = named.Key
	}
	return e
}
