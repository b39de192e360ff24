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

// watched cancels a request when the other side, in either direction, lets it
// wait for stallLimit, or moves fewer than stallFloor bytes a second for long,
// or when an answer that is no object takes longer than answerTime. A
// connection that died silently, or a server that drips, would hold a transfer
// forever. What this side takes to give or to use the bytes does not count.
type watched struct{ next HTTPClient }

// stallFloor is the rate, in bytes a second, below which an object's
// connection is given up: each byte buys time, up to stallLimit.
const stallFloor = 4 << 10

var errStalled = errors.New("nothing moved over the connection for a minute, or too little")

// Do sends the request under watch; the watch ends with the answer's body.
func (w watched) Do(req *http.Request) (*http.Response, error) {
	return w.send(req, awsmiddleware.GetOperationName(req.Context()) == "GetObject")
}

// send does so, for an answer that is an object or is none.
func (w watched) send(req *http.Request, object bool) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	over := &watch{cancel: cancel, ctx: ctx, left: stallLimit}
	over.timer = time.AfterFunc(stallLimit, func() { cancel(errStalled) })
	over.since = time.Now()
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil { // what is in memory is short and goes at once
		req.Body = &watchedUpload{ReadCloser: req.Body, over: over}
	}
	resp, err := w.next.Do(req)
	if err != nil {
		err = over.reason(err)
		over.end()
		return resp, err
	}
	over.answered(object)
	resp.Body = &watchedAnswer{resp.Body, over}
	return resp, nil
}

// watch is the watch over one request.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer   // runs while the other side is waited for
	left   time.Duration // of patience
	since  time.Time     // when the timer was started
	until  time.Time     // for the answer; zero: it is an object
	answer bool          // has begun: the request's body does not matter any more
}

// answered ends the wait for an answer.
func (w *watch) answered(object bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.answer, w.left = true, stallLimit
	if !object {
		w.until = time.Now().Add(answerTime)
	}
}

// wait begins to wait for the other side.
func (w *watch) wait() {
	w.since = time.Now()
	limit := w.left
	if !w.until.IsZero() {
		limit = min(limit, w.until.Sub(w.since))
	}
	w.timer.Reset(limit)
}

// moved ends a wait after which n bytes more have moved.
func (w *watch) moved(n int) {
	w.timer.Stop()
	bought := time.Duration(n) * time.Second / stallFloor
	if n > 0 && !w.until.IsZero() {
		bought = stallLimit
	}
	w.left = min(max(w.left-time.Since(w.since), 0)+bought, stallLimit)
}

func (w *watch) end() {
	w.mu.Lock()
	w.answer = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(nil)
}

// reason replaces the cancellation that a stall shows up as.
func (w *watch) reason(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(w.ctx), errStalled) {
		return errStalled
	}
	return err
}

// watchedUpload is a request's body: between reads of it the other side is
// waited for.
type watchedUpload struct {
	io.ReadCloser
	over  *watch
	taken int // by the last read
}

// Read reads while the watch rests.
func (b *watchedUpload) Read(p []byte) (int, error) {
	w := b.over
	w.mu.Lock()
	if !w.answer {
		w.moved(b.taken)
	}
	w.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.taken = n; !w.answer {
		if err != nil {
			w.left = stallLimit // the answer is another matter
		}
		w.wait()
	}
	return n, err
}

// watchedAnswer is an answer's body; closing it ends the watch.
type watchedAnswer struct {
	io.ReadCloser
	over *watch
}

// Read reads under watch.
func (b *watchedAnswer) Read(p []byte) (int, error) {
	w := b.over
	w.mu.Lock()
	w.wait()
	w.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	w.mu.Lock()
	w.moved(n)
	w.mu.Unlock()
	return n, w.reason(err)
}

// Close closes the body.
func (b *watchedAnswer) Close() error {
	err := b.ReadCloser.Close()
	b.over.end()
	return err
}
