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
)

// ClientOptions say how to reach S3.
type ClientOptions struct {
	// Credentials are retrieved at every attempt, so the provider must cache
	// them. If it has a method Invalidate(aws.Credentials), that is called with
	// credentials that S3 reports as expired, or says twice not to know, and the
	// request is tried again.
	Credentials aws.CredentialsProvider
	Region      string     // empty: us-east-1
	Endpoint    string     // a URL; empty: AWS's
	PathStyle   bool       // the bucket in the path instead of the host name
	HTTP        HTTPClient // nil: the AWS SDK's, with the environment's proxy
	UserAgent   string     // names the program in the customer's logs
	Attempts    int        // of one request; zero: 8
	Limits      *Limits    // shared by all clients of a process; nil: 256 MiB for this one
	Rates       *Rates     // shared by all clients of a process; nil: this one's own
}

// Client is an S3 client for long transfers. NewClient makes it.
type Client struct {
	*s3.Client
	wire   *wire
	denied denials
}

// HTTPClient sends requests; an *http.Client is one. It must not follow
// redirects, because a signature is valid for one host only. It should have an
// ExpectContinueTimeout, so that a refusal is read before a large body is sent.
type HTTPClient = s3.HTTPClient

const stallLimit = time.Minute

// NewClient returns a client for long transfers. It retries with backoff, slows
// down when S3 asks for it, renews credentials that expire during a transfer,
// closes connections over which nothing moves for a minute, and fails on
// answers that are longer than any of S3's. It reads no environment and no
// files.
func NewClient(o ClientOptions) *Client {
	if o.Limits == nil {
		o.Limits = NewLimits(DefaultMemory)
	}
	if o.Rates == nil {
		o.Rates = NewRates()
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.HTTP == nil {
		o.HTTP = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost, t.ReadBufferSize, t.WriteBufferSize = mostObjects, mostObjects, readBuffer, writeBuffer
		})
	}
	retryer := newRetryer(o.Credentials, o.Attempts)
	// Buckets with the same name can exist in two partitions.
	throttle := throttle{o.Rates, cmp.Or(strings.TrimRight(o.Endpoint, "/"), o.Region)}
	options := s3.Options{
		Credentials:  credentialsProvider{o.Credentials},
		Region:       o.Region,
		UsePathStyle: o.PathStyle,
		HTTPClient:   boundedClient{watchedClient{http11{o.HTTP}}, o.Limits},
		Retryer:      retryer,
		// Checksums are made and verified here: the SDK's own CRC64NVME costs
		// twenty times as much and fails when a read is resumed.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		APIOptions: []func(*middleware.Stack) error{
			v4.UseDynamicPayloadSigningMiddleware, // TLS protects the payload, and hashing it would be the main cost
			throttle.addTo,
		},
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
	}
	if o.UserAgent != "" {
		options.APIOptions = append(options.APIOptions, awsmiddleware.AddUserAgentKeyValue("rolecall", o.UserAgent))
	}
	renewal := &renewal{}
	renewal.provider, _ = o.Credentials.(invalidator)
	options.APIOptions = append(options.APIOptions, renewal.addTo)
	client := s3.New(options)
	return &Client{Client: client, wire: newWire(o, client.Options(), retryer, throttle, renewal)}
}

// http11 sends requests as HTTP/1.1, so that a large body waits until S3 asks
// for it: otherwise the connection could be reset under the body, and the
// refusal lost. The AWS SDK sets the header for this, but no protocol version,
// and net/http waits in HTTP/1.1 only.
type http11 struct{ next HTTPClient }

// Do sends the request as HTTP/1.1.
func (p http11) Do(req *http.Request) (*http.Response, error) {
	req = req.WithContext(req.Context())
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	return p.next.Do(req)
}

// credentialsProvider distinguishes failures to get credentials from S3's own
// answers.
type credentialsProvider struct{ next aws.CredentialsProvider }

// Retrieve returns the credentials.
func (p credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := p.next.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &Error{Kind: NoCredentials, Err: err}
	}
	return credentials, err
}
