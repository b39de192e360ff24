package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/encoding/httpbinding"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// wire sends the requests that move bytes: GetObject, PutObject and
// UploadPart. The AWS SDK would take longer over a small object than the
// network does, and hold a stream to be either signed or seekable. What it
// does well is used: where a bucket is, when to try again.
type wire struct {
	options s3.Options
	http    watched
	retryer aws.RetryerV2
	brake   brake
	signer  signer
	renewer invalidator // nil: nobody to tell of expired credentials
	agent   string
	memory  *Memory
	known   atomic.Pointer[site] // of the bucket that was asked last
	skew    atomic.Int64         // what S3's clock is ahead of this one
	trouble atomic.Int64         // attempts that had to be repeated
}

// What a request says of its payload instead of a hash. TLS protects it, and
// where there is none its CRC is in a signed header or follows in the trailer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
const (
	unsigned        = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	expectFrom      = 2 * mib // bodies of this size and more wait until S3 wants them
)

func newWire(o ClientOptions, options s3.Options, retryer aws.RetryerV2, brake brake) *wire {
	w := &wire{
		options: options,
		retryer: retryer,
		brake:   brake,
		http:    watched{o.HTTP},
		memory:  o.Memory,
	}
	w.renewer, _ = o.Credentials.(invalidator)
	agent := smithyhttp.NewUserAgentBuilder()
	agent.AddKeyValue("rolecall", o.UserAgent)
	agent.AddKeyValue("lang/go", strings.TrimPrefix(runtime.Version(), "go"))
	w.agent = agent.Build()
	return w
}

// request is one of the three.
type request struct {
	method string
	bucket Bucket
	key    string
	query  string      // escaped and sorted
	header http.Header // canonical names, one value each
	length int64
	hash   string // unsigned or unsignedTrailer
	held   []byte // the body; or
	// body is asked for at each attempt, if there is a length.
	body func(ctx context.Context) io.ReadCloser
}

// get asks for an object; the caller closes the answer's body.
func (w *wire) get(ctx context.Context, r request) (*http.Response, error) {
	r.method, r.hash = http.MethodGet, unsigned
	return w.send(ctx, r)
}

// put sends a body and gives the answer's header.
func (w *wire) put(ctx context.Context, r request) (http.Header, error) {
	r.method = http.MethodPut
	if r.length >= expectFrom {
		r.header.Set("Expect", "100-continue")
	}
	resp, err := w.send(ctx, r) //nolint:bodyclose // read to its end and closed by try
	if err != nil {
		return nil, err
	}
	return resp.Header, nil
}

// send tries until it is answered well or there is no use in it.
func (w *wire) send(ctx context.Context, r request) (*http.Response, error) {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		resp, err := w.paced(ctx, r)
		if err == nil {
			return resp, nil
		}
		if !w.retryer.IsErrorRetryable(err) {
			return nil, err
		}
		w.trouble.Add(1)
		if attempt >= w.retryer.MaxAttempts() {
			return nil, &exhausted{attempt, time.Since(began), err}
		}
		delay, err := w.retryer.RetryDelay(attempt, err)
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// paced is one attempt, when the rate that S3 takes at the moment allows it.
func (w *wire) paced(ctx context.Context, r request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began, err := w.brake.wait(ctx, r.bucket.Name)
	if err != nil {
		return nil, err
	}
	resp, err := w.try(ctx, r)
	w.brake.note(r.bucket.Name, began, err)
	return resp, err
}

// try is one attempt. Without an error the answer is a good one.
func (w *wire) try(ctx context.Context, r request) (*http.Response, error) {
	req, token, err := w.sign(ctx, r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.length == 0:
		req.Body = http.NoBody
	case r.held != nil:
		// In this shape net/http sends it together with the header.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.held)), nil }
		req.Body, _ = req.GetBody()
	default:
		req.Body = r.body(ctx)
		// What is still on its way when S3 has answered is not read any more.
		defer req.Body.Close()
	}
	resp, err := w.http.send(req, r.method == http.MethodGet)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &aws.RequestCanceledError{Err: ctx.Err()}
		}
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	good := resp.StatusCode >= http.StatusOK && resp.StatusCode < http.StatusMultipleChoices
	if good && r.method == http.MethodGet {
		return resp, nil
	}
	defer resp.Body.Close()
	if good {
		return resp, swallow(resp.Body, answerLimit)
	}
	err = refusal(resp)
	switch {
	case w.renewer != nil && expired(err):
		forget(ctx, w.renewer, token)
	case w.adjust(resp, err):
		err = skewed{err}
	}
	return nil, err
}

// swallow reads an answer that matters to its end, so that the connection can
// be used again.
func swallow(body io.Reader, limit int64) error {
	n, err := io.Copy(io.Discard, io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return &smithyhttp.RequestSendError{Err: err}
	case n > limit:
		return tooLong()
	}
	return nil
}

// sign makes the request, signed with the credentials of now, and says which
// session they are of.
func (w *wire) sign(ctx context.Context, r request) (*http.Request, string, error) {
	at, err := w.site(ctx, r.bucket.Name)
	if err != nil {
		return nil, "", err
	}
	credentials, err := w.options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, "", err
	}
	target := at.url
	target.Path = smithyhttp.JoinPath(at.url.Path, "/"+r.key)
	target.RawPath = smithyhttp.JoinPath(at.url.RawPath, "/"+httpbinding.EscapePath(r.key, false))
	target.RawQuery = r.query
	req := (&http.Request{
		Method: r.method, URL: &target, Host: target.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: maps.Clone(r.header), ContentLength: r.length,
	}).WithContext(ctx)
	req.Header["User-Agent"] = []string{w.agent}
	req.Header["Accept-Encoding"] = []string{"identity"} // else net/http may unpack what is to be kept as it is
	req.Header["X-Amz-Content-Sha256"] = []string{r.hash}
	if r.bucket.Owner != "" {
		req.Header["X-Amz-Expected-Bucket-Owner"] = []string{r.bucket.Owner}
	}
	if r.bucket.RequesterPays {
		req.Header["X-Amz-Request-Payer"] = []string{string(r.bucket.payer())}
	}
	if r.length > 0 {
		req.Header["Content-Length"] = []string{strconv.FormatInt(r.length, 10)} // signed; net/http writes its own
	}
	w.signer.sign(req, credentials, at, time.Now().Add(time.Duration(w.skew.Load())))
	return req, credentials.SessionToken, nil
}

// site is where a bucket is, and what a signature for it names.
type site struct {
	bucket          string
	url             url.URL
	service, region string
}

// site asks the AWS SDK where the bucket is, once.
func (w *wire) site(ctx context.Context, bucket string) (*site, error) {
	if known := w.known.Load(); known != nil && known.bucket == bucket {
		return known, nil
	}
	endpoint, err := w.options.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: aws.String(bucket), Region: aws.String(w.options.Region), Endpoint: w.options.BaseEndpoint,
		ForcePathStyle: aws.Bool(w.options.UsePathStyle), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
		Accelerate: aws.Bool(false), DisableMultiRegionAccessPoints: aws.Bool(true),
	})
	if err != nil {
		return nil, &Error{Kind: Refused, Err: err}
	}
	endpoint.URI.RawPath = endpoint.URI.EscapedPath()
	at := &site{bucket: bucket, url: endpoint.URI, service: "s3", region: w.options.Region}
	schemes, _ := smithyauth.GetAuthOptions(&endpoint.Properties)
	for _, scheme := range schemes {
		if scheme.SchemeID != "sigv4" {
			return nil, &Error{Kind: Refused, Err: fmt.Errorf("the bucket wants to be asked by %s", scheme.SchemeID)}
		}
		if service, ok := smithyhttp.GetSigV4SigningName(&scheme.SignerProperties); ok {
			at.service = service
		}
		if region, ok := smithyhttp.GetSigV4SigningRegion(&scheme.SignerProperties); ok {
			at.region = region
		}
	}
	w.known.Store(at)
	return at, nil
}

// adjust follows S3's clock where this one is so wrong that signatures are
// refused, and tells whether that is news.
func (w *wire) adjust(resp *http.Response, err error) bool {
	if means := meaningOf(err); means != awscode.Clock && means != awscode.BadSignature {
		return false
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return false
	}
	ahead, before := time.Until(date), time.Duration(w.skew.Load())
	if (ahead - before).Abs() < 4*time.Minute {
		return false
	}
	w.skew.Store(int64(ahead))
	return true
}

// skewed is a refusal that another attempt, by S3's clock, may not meet.
type skewed struct{ error }

// RetryableError is true.
func (skewed) RetryableError() bool { return true }

// Unwrap gives the refusal.
func (s skewed) Unwrap() error { return s.error }
