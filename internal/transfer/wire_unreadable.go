package transfer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"regexp"
)

// unreadable is the error of an answer that came and that net/http cannot read: it
// is none of HTTP's, or has more headers than the client takes.
type unreadable struct {
	err   error
	final bool // another attempt would be answered alike
}

// Error returns net/http's words.
func (u *unreadable) Error() string { return u.err.Error() }

// Unwrap returns the cause.
func (u *unreadable) Unwrap() error { return u.err }

// RetryableError reports whether another attempt may be answered otherwise.
func (u *unreadable) RetryableError() bool { return !u.final }

// trace returns a context with which the watch learns whether an answer came, and
// over which connection.
func (w *watch) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reused, w.began = info.Reused, false
		},
		GotFirstResponseByte: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.began = true
		},
	})
}

// unreadable returns an *unreadable instead of an error of net/http's about an
// answer that began, unless the connection broke or the request's body failed.
// On a connection that a server used wrongly, the rest of one answer is read as the
// next, so that only a new connection's is judged for good.
func (w *watch) unreadable(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.began || w.bodyFailed || w.ctx.Err() != nil {
		return err
	}
	cause := err
	if sent := (*url.Error)(nil); errors.As(err, &sent) { // is a net.Error, whatever it wraps
		cause = sent.Err
	}
	var network net.Error
	if errors.As(cause, &network) || errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) {
		return err
	}
	if cutOff.MatchString(cause.Error()) {
		return err
	}
	return &unreadable{err, !w.reused}
}

// cutOff matches net/http's words on a line that may have ended with the
// connection: it reports no other error then.
var cutOff = regexp.MustCompile(`malformed (.*\\r"|HTTP response "H[^ "]*"|HTTP status code "[0-9]{0,2}"|MIME header: missing colon: "[A-Za-z0-9-]*")$`)
