package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// watchedClient cancels a request when the other side makes it wait for
// stallLimit, in either direction, or moves fewer than stallFloor bytes per
// second for long, or when an answer takes longer than its allowance. Otherwise a connection that died silently, or a server that sends
// a byte now and then, would block a transfer forever. The time that this side
// takes to produce or use bytes does not count.
type watchedClient struct{ next HTTPClient }

// stallFloor is the rate, in bytes per second, below which a connection is
// closed: each byte adds time, up to stallLimit.
const stallFloor = 4 << 10

var errStalled = errors.New("nothing moved over the connection for a minute, or too little")

// allowance says how an answer may be sent.
type allowance struct {
	total time.Duration // for all of it; zero: no limit, since each byte is one more of an object
	// keptAlive is for operations on which S3 may work for minutes while it sends
	// a space now and then: any byte counts as much as stallLimit.
	keptAlive bool
}

var (
	objectAllowance    = allowance{}
	answerAllowance    = allowance{total: answerTime}
	keptAliveAllowance = allowance{total: answerTime, keptAlive: true}
)

// allowanceOf returns the allowance for an answer to the operation.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func allowanceOf(operation string) allowance {
	switch operation {
	case "GetObject":
		return objectAllowance
	case "CompleteMultipartUpload", "CopyObject", "UploadPartCopy":
		return keptAliveAllowance
	default:
		return answerAllowance
	}
}

// Do sends the request. The watch ends when the answer's body is closed.
func (w watchedClient) Do(req *http.Request) (*http.Response, error) {
	return w.send(req, allowanceOf(awsmiddleware.GetOperationName(req.Context())))
}

// send sends the request, whose answer has the allowance.
func (w watchedClient) send(req *http.Request, allowed allowance) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	watching := &watch{cancel: cancel, ctx: ctx, left: stallLimit}
	watching.timer = time.AfterFunc(stallLimit, func() { cancel(errStalled) })
	watching.since = time.Now()
	req = req.WithContext(watching.trace(ctx))
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil { // a body in memory is short and sent at once
		req.Body = &watchedUpload{ReadCloser: req.Body, watch: watching}
	}
	resp, err := w.next.Do(req)
	if err != nil {
		err = tlsFault(watching.unreadable(watching.reason(err)))
		watching.end()
		return resp, err
	}
	watching.answered(allowed)
	resp.Body = &watchedAnswer{resp.Body, watching}
	return resp, nil
}

// watch is the state of one request.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	timer     *time.Timer   // runs while waiting for the other side
	left      time.Duration // until the other side has stalled
	since     time.Time     // when the timer was started
	until     time.Time     // deadline of the answer; zero: none
	keptAlive bool          // see allowance
	hasAnswer bool          // the request's body does not matter any more
	// For errors of net/http's: whether the request's body failed, the connection
	// was used before, and an answer began on it.
	bodyFailed, reused, began bool
}

// answered ends the wait for an answer. Reading it has the allowance.
func (w *watch) answered(allowed allowance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.hasAnswer, w.left, w.keptAlive = true, stallLimit, allowed.keptAlive
	if allowed.total > 0 {
		w.until = time.Now().Add(allowed.total)
	}
}

// wait starts the timer.
func (w *watch) wait() {
	w.since = time.Now()
	limit := w.left
	if !w.until.IsZero() {
		limit = min(limit, w.until.Sub(w.since))
	}
	w.timer.Reset(limit)
}

// moved stops the timer, after n more bytes have moved.
func (w *watch) moved(n int) {
	w.timer.Stop()
	bought := time.Duration(n) * time.Second / stallFloor
	if n > 0 && w.keptAlive {
		bought = stallLimit
	}
	w.left = min(max(w.left-time.Since(w.since), 0)+bought, stallLimit)
}

func (w *watch) end() {
	w.mu.Lock()
	w.hasAnswer = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(nil)
}

// reason returns errStalled instead of the cancellation that a stall causes.
func (w *watch) reason(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(w.ctx), errStalled) {
		return errStalled
	}
	return err
}

// watchedUpload is a request's body. Between reads of it, the other side is
// waited for.
type watchedUpload struct {
	io.ReadCloser
	watch *watch
	taken int // bytes of the last read
}

// Read stops the timer while it reads.
func (b *watchedUpload) Read(p []byte) (int, error) {
	w := b.watch
	w.mu.Lock()
	if !w.hasAnswer {
		w.moved(b.taken)
	}
	w.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bodyFailed = err != nil && !errors.Is(err, io.EOF)
	if b.taken = n; !w.hasAnswer {
		if err != nil {
			w.left = stallLimit // the wait for the answer begins
		}
		w.wait()
	}
	return n, err
}

// watchedAnswer is an answer's body. Closing it ends the watch.
type watchedAnswer struct {
	io.ReadCloser
	watch *watch
}

// Read runs the timer while it reads.
func (b *watchedAnswer) Read(p []byte) (int, error) {
	w := b.watch
	w.mu.Lock()
	w.wait()
	w.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	w.mu.Lock()
	w.moved(n)
	w.mu.Unlock()
	return n, w.reason(err)
}

// Close closes the body and ends the watch.
func (b *watchedAnswer) Close() error {
	err := b.ReadCloser.Close()
	b.watch.end()
	return err
}
