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

// wire sends the requests that move bytes: GetObject, PutObject and UploadPart.
// For a small object the AWS SDK takes longer than the network, and it requires
// a stream to be either signed or seekable. wire uses the SDK's endpoints and
// its decisions when to retry.
type wire struct {
	options  s3.Options
	http     watchedClient
	retryer  aws.RetryerV2
	throttle throttle
	signer   signer
	renewal  *renewal
	agent    string
	limits   *Limits
	lastSite atomic.Pointer[site] // of the last bucket
	skew     atomic.Int64         // nanoseconds that S3's clock is ahead of the local one
	retries  atomic.Int64         // number of failed attempts that were worth a retry
}

// What a request has instead of its payload's hash. TLS protects the payload;
// without TLS its CRC is in a signed header or in the trailer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
const (
	unsigned        = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	expectFrom      = 2 * mib // bodies of this size and more wait until S3 asks for them
)

func newWire(o ClientOptions, options s3.Options, retryer aws.RetryerV2, throttle throttle, renewal *renewal) *wire {
	w := &wire{
		options:  options,
		retryer:  retryer,
		throttle: throttle,
		renewal:  renewal,
		http:     watchedClient{o.HTTP},
		limits:   o.Limits,
	}
	agent := smithyhttp.NewUserAgentBuilder()
	agent.AddKeyValue("rolecall", o.UserAgent)
	agent.AddKeyValue("lang/go", strings.TrimPrefix(runtime.Version(), "go"))
	w.agent = agent.Build()
	return w
}

// request is a GetObject, PutObject or UploadPart.
type request struct {
	method   string
	bucket   Bucket
	key      string
	query    string      // escaped and sorted
	header   http.Header // canonical names, one value each
	length   int64
	hash     string // unsigned or unsignedTrailer
	buffered []byte // the body, if it is not nil
	// body returns the body otherwise. It is called at each attempt if length
	// is not 0.
	body    func(ctx context.Context) io.ReadCloser
	unknown *int // see renewal
}

// get requests an object. The caller closes the answer's body.
func (w *wire) get(ctx context.Context, r request) (*http.Response, error) {
	r.method, r.hash = http.MethodGet, unsigned
	return w.send(ctx, r)
}

// put sends a body and returns the answer's header, with errUnconfirmed if it is
// not S3's to something that was stored: that has an ETag and no body.
func (w *wire) put(ctx context.Context, r request) (http.Header, error) {
	r.method = http.MethodPut
	if r.length >= expectFrom {
		r.header.Set("Expect", "100-continue")
	}
	resp, err := w.send(ctx, r) //nolint:bodyclose // read to its end and closed by sendOnce
	if err != nil {
		return nil, err
	}
	if resp.Header.Get("ETag") == "" || resp.ContentLength > 0 {
		return resp.Header, errUnconfirmed
	}
	return resp.Header, nil
}

// send sends the request until it succeeds or another attempt is of no use.
func (w *wire) send(ctx context.Context, r request) (*http.Response, error) {
	began := time.Now()
	r.unknown = new(int)
	for attempt := 1; ; attempt++ {
		resp, err := w.attempt(ctx, r)
		if err == nil {
			return resp, nil
		}
		if !w.retryer.IsErrorRetryable(err) {
			return nil, err
		}
		w.retries.Add(1)
		if attempt >= w.retryer.MaxAttempts() {
			return nil, &exhausted{attempt, time.Since(began), err}
		}
		if _, err := w.retryer.GetRetryToken(ctx, err); err != nil {
			return nil, err
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

// attempt makes one attempt, when the rate for the bucket allows it.
func (w *wire) attempt(ctx context.Context, r request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began, err := w.throttle.wait(ctx, r.bucket.Name)
	if err != nil {
		return nil, err
	}
	resp, err := w.sendOnce(ctx, r)
	w.throttle.record(r.bucket.Name, began, err)
	return resp, err
}

// sendOnce makes one attempt. The answer it returns has a status of 2xx.
func (w *wire) sendOnce(ctx context.Context, r request) (*http.Response, error) {
	req, by, err := w.sign(ctx, r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.length == 0:
		req.Body = http.NoBody
	case r.buffered != nil:
		// With GetBody, net/http sends the body together with the header.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.buffered)), nil }
		req.Body, _ = req.GetBody()
	default:
		req.Body = r.body(ctx)
		// When S3 has answered, the rest is not read any more.
		defer req.Body.Close()
	}
	allowed := answerAllowance
	if r.method == http.MethodGet {
		allowed = objectAllowance
	}
	resp, err := w.http.send(req, allowed)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &aws.RequestCanceledError{Err: ctx.Err()}
		}
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	good := resp.StatusCode >= http.StatusOK && resp.StatusCode < http.StatusMultipleChoices
	if good {
		_ = w.renewal.judge(ctx, nil, by.key, by.token, r.unknown)
	}
	if good && r.method == http.MethodGet {
		return resp, nil
	}
	defer resp.Body.Close()
	if good {
		resp.ContentLength, err = readToEnd(resp.Body, answerLimit)
		return resp, err
	}
	if err = responseError(resp); w.adjustClock(resp, err, by.skew) {
		return nil, clockError{err}
	}
	return nil, w.renewal.judge(ctx, err, by.key, by.token, r.unknown)
}

// readToEnd reads an answer to its end, so that the connection can be used again,
// and returns its length.
func readToEnd(body io.Reader, limit int64) (int64, error) {
	n, err := io.Copy(io.Discard, io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return n, &smithyhttp.RequestSendError{Err: err}
	case n > limit:
		return n, tooLong()
	}
	return n, nil
}

// signedBy is what a request was signed with.
type signedBy struct {
	key, token string        // the access key's id, and the session's token
	skew       time.Duration // see wire
}

// sign returns the request, signed with the current credentials.
func (w *wire) sign(ctx context.Context, r request) (*http.Request, signedBy, error) {
	at, err := w.site(ctx, r.bucket.Name)
	if err != nil {
		return nil, signedBy{}, err
	}
	credentials, err := w.options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, signedBy{}, err
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
	req.Header["Accept-Encoding"] = []string{"identity"} // otherwise net/http may unpack what must be stored unchanged
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
	by := signedBy{credentials.AccessKeyID, credentials.SessionToken, time.Duration(w.skew.Load())}
	w.signer.sign(req, credentials, at, time.Now().Add(by.skew))
	return req, by, nil
}

// site is a bucket's endpoint and what a signature for it names.
type site struct {
	bucket          string
	url             url.URL
	service, region string
}

// site returns the bucket's site. It resolves the endpoint only if the last
// request was for another bucket.
func (w *wire) site(ctx context.Context, bucket string) (*site, error) {
	if last := w.lastSite.Load(); last != nil && last.bucket == bucket {
		return last, nil
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
	w.lastSite.Store(at)
	return at, nil
}

// adjustClock follows S3's clock if the one that a request was signed by, which
// is the local one with that skew, is so wrong that signatures are refused. It
// reports whether another attempt is signed by another clock: other requests,
// signed at the same time, may have corrected the clock already.
func (w *wire) adjustClock(resp *http.Response, err error, skew time.Duration) bool {
	if means := meaningOf(err); means != awscode.Clock && means != awscode.BadSignature {
		return false
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return false
	}
	ahead := time.Until(date)
	if (ahead - skew).Abs() < 4*time.Minute {
		return false
	}
	w.skew.Store(int64(ahead))
	return true
}

// clockError is a refusal that another attempt, by S3's clock, may avoid.
type clockError struct{ error }

// RetryableError returns true.
func (clockError) RetryableError() bool { return true }

// Unwrap returns the refusal.
func (s clockError) Unwrap() error { return s.error }
