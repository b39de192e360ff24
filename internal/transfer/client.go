package transfer

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ClientOptions say how to reach S3.
type ClientOptions struct {
	// Credentials are asked for at every attempt, so they must be cached. A
	// provider with a method Invalidate(aws.Credentials) is told when S3 calls
	// its credentials expired, and the request is tried again.
	Credentials aws.CredentialsProvider
	Region      string     // empty: us-east-1
	Endpoint    string     // a URL; empty: AWS's
	PathStyle   bool       // the bucket in the path instead of the host name
	HTTP        HTTPClient // nil: the AWS SDK's, with the environment's proxy
	UserAgent   string     // what works here, for the customer's logs
	Attempts    int        // of one request; zero: 8, as befits long transfers
	Memory      *Memory    // shared by all clients of a process; nil: 256 MiB for this one
	Rates       *Rates     // shared by all clients of a process; nil: this one's own
}

// Client is an S3 client that is made for long transfers.
type Client struct {
	*s3.Client
	wire   *wire
	denied denials
}

// HTTPClient sends requests; an *http.Client is one. It must not follow
// redirects, as a signature holds for one host only, and should have an
// ExpectContinueTimeout, lest a refusal be lost behind a body that is sent.
type HTTPClient = s3.HTTPClient

const stallLimit = time.Minute

// NewClient makes a client that is made for long transfers: it retries with
// backoff and slows down when told so, renews expired credentials in the
// middle, gives up on connections over which nothing moves for a minute, and
// fails answers that are longer than S3's.
// It reads no environment and no files.
func NewClient(o ClientOptions) *Client {
	if o.Memory == nil {
		o.Memory = NewMemory(DefaultMemory)
	}
	if o.Rates == nil {
		o.Rates = NewRates()
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.HTTP == nil {
		o.HTTP = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost, t.ReadBufferSize, t.WriteBufferSize = objectsAtMost, objectsAtMost, readBuffer, writeBuffer
		})
	}
	retryer := newRetryer(o.Credentials, o.Attempts)
	// A bucket of AWS's is in one region, and one of a partition at least.
	brake := brake{o.Rates, cmp.Or(strings.TrimRight(o.Endpoint, "/"), o.Region)}
	options := s3.Options{
		Credentials:  provider{o.Credentials},
		Region:       o.Region,
		UsePathStyle: o.PathStyle,
		HTTPClient:   bounded{watched{patient{o.HTTP}}},
		Retryer:      retryer,
		// Checksums are made and verified here: the SDK's own CRC64NVME costs
		// twenty times as much and cannot follow a read that resumes.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		APIOptions: []func(*middleware.Stack) error{
			v4.UseDynamicPayloadSigningMiddleware, // TLS protects the payload; hashing it again is the main cost
			brake.add,
		},
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
	}
	if o.UserAgent != "" {
		options.APIOptions = append(options.APIOptions, awsmiddleware.AddUserAgentKeyValue("rolecall", o.UserAgent))
	}
	if p, ok := o.Credentials.(invalidator); ok {
		options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(renew{p}, "Signing", middleware.After)
		})
	}
	client := s3.New(options)
	return &Client{Client: client, wire: newWire(o, client.Options(), retryer, brake)}
}

// patient has a large body wait until S3 says that it wants it: a refusal
// would be lost when the connection is reset under the body. The AWS SDK asks
// S3 to say so, but leaves the version out of its requests, and net/http does
// not wait in what is no HTTP/1.1.
type patient struct{ next HTTPClient }

// Do sends the request as one of HTTP/1.1.
func (p patient) Do(req *http.Request) (*http.Response, error) {
	req = req.WithContext(req.Context())
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	return p.next.Do(req)
}

// provider sets failures to get credentials apart from S3's own answers.
type provider struct{ of aws.CredentialsProvider }

// Retrieve gives the credentials.
func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := p.of.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &Error{Kind: NoCredentials, Err: err}
	}
	return credentials, err
}

// invalidator is a provider that can be told to forget credentials.
type invalidator interface {
	aws.CredentialsProvider
	Invalidate(credentials aws.Credentials)
}

// renew tells the provider when an attempt shows that its credentials expired.
type renew struct{ provider invalidator }

// ID names the middleware.
func (renew) ID() string { return "RolecallRenew" }

// HandleFinalize runs around one attempt, after it was signed.
func (r renew) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if err == nil || !expired(err) {
		return out, metadata, err
	}
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		forget(ctx, r.provider, req.Header.Get("X-Amz-Security-Token"))
	}
	return out, metadata, err
}

// forget tells the provider that the session expired. Another request may have
// had it renewed meanwhile: only what signed this one is stale.
func forget(ctx context.Context, provider invalidator, token string) {
	if current, err := provider.Retrieve(ctx); err == nil && current.SessionToken == token {
		provider.Invalidate(current)
	}
}
