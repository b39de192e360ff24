package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// watched cancels a request when nothing moves, in either direction, for
// stallLimit, or when an answer that is no object takes longer than
// answerTime. A connection that died silently, or a server that drips, would
// hold a transfer forever.
type watched struct{ next HTTPClient }

var errStalled = errors.New("nothing moved over the connection for a minute, or too little")

// Do sends the request under watch; the watch ends with the answer's body.
func (w watched) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	over := watch{
		timer:  time.AfterFunc(stallLimit, func() { cancel(errStalled) }),
		cancel: cancel,
		cause:  func() error { return context.Cause(ctx) },
	}
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &watchedBody{ReadCloser: req.Body, over: over}
	}
	resp, err := w.next.Do(req)
	if err != nil {
		err = over.reason(err)
		over.end()
		return resp, err
	}
	if awsmiddleware.GetOperationName(req.Context()) != "GetObject" {
		over.until = time.Now().Add(answerTime)
	}
	over.moved()
	resp.Body = &watchedBody{ReadCloser: resp.Body, over: over, last: true}
	return resp, nil
}

// watch is the watch over one request.
type watch struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
	cause  func() error
	until  time.Time // for the answer; zero: any
}

func (w watch) moved() {
	limit := stallLimit
	if !w.until.IsZero() {
		limit = min(limit, time.Until(w.until))
	}
	w.timer.Reset(limit)
}

func (w watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// reason replaces the cancellation that a stall shows up as.
func (w watch) reason(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(w.cause(), errStalled) {
		return errStalled
	}
	return err
}

// watchedBody notes each read; closing the answer's body ends the watch.
type watchedBody struct {
	io.ReadCloser
	over watch
	last bool
}

// Read reads and notes that something moved.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.over.moved()
	}
	return n, b.over.reason(err)
}

// Close closes the body.
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.last {
		b.over.end()
	}
	return err
}
