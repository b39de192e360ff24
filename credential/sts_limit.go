package credential

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Limits for an answer of STS, which has a few kilobytes and comes within
// seconds. The SDK knows none, and an endpoint or a proxy may send without end.
const (
	stsTimeout = 30 * time.Second // of an attempt and its whole answer
	stsBytes   = 256 << 10
)

// limitedClient limits what one attempt may take.
type limitedClient struct{ next sts.HTTPClient }

// Do sends the request. The limit of time ends when the answer's body is closed.
func (c limitedClient) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), stsTimeout, errTooSlow)
	resp, err := c.next.Do(req.WithContext(ctx))
	if err != nil {
		err = slow(ctx, err)
		cancel()
		return resp, err
	}
	resp.Body = &limitedBody{body: resp.Body, rest: io.LimitReader(resp.Body, stsBytes), ctx: ctx, cancel: cancel}
	return resp, nil
}

type limitedBody struct {
	body   io.Closer
	rest   io.Reader
	ctx    context.Context // of the attempt
	cancel context.CancelFunc
}

// Read reads the answer up to the limit, where it ends.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.rest.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = slow(b.ctx, err)
	}
	return n, err
}

// Close closes the answer and ends its limit of time.
func (b *limitedBody) Close() error {
	err := b.body.Close()
	b.cancel()
	return err
}

// slow returns errTooSlow where the limit of time ended the attempt.
func slow(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errTooSlow) {
		return errTooSlow
	}
	return err
}

var errTooSlow error = tooSlow{}

// tooSlow is the error of an attempt that took too long. Another may be faster.
type tooSlow struct{}

// Error says what was too slow.
func (tooSlow) Error() string { return "STS did not send its answer within 30 seconds" }

// RetryableError returns true. The AWS SDK calls it.
func (tooSlow) RetryableError() bool { return true }
