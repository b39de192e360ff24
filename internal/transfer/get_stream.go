package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	ioBuffer        = 256 << 10
	maxFailures     = 5        // of the connection, with next to nothing received in between
	bytesPerFailure = 64 << 10 // bytes that make up for one failure
)

// source is an object to read, always in the version that has the ETag.
type source struct {
	Bucket
	Object
}

// stream reads a span of the source and sums it. If the connection breaks or
// stalls, it connects again and continues after the last byte received, as long
// as enough bytes arrive between failures. Nothing is requested before the
// first Read.
type stream struct {
	*digest
	objectSum checksum    // of the object; only if the span is the whole and S3 reports it
	header    http.Header // of the answer; only if the span is the whole

	ctx      context.Context // of the transfer
	src      source
	at       span // the rest
	asked    bool // at least once, also for an empty object, which must exist
	body     io.ReadCloser
	received int64 // over this connection
	failures int
	started  time.Time // when it was first requested
}

// stream returns a stream of the span, which also computes the checksum that
// want names.
func (s source) stream(ctx context.Context, at span, want checksum) *stream {
	return &stream{ctx: ctx, src: s, at: at, digest: newDigest(want)}
}

// Read reads the span, and returns io.EOF at its end.
func (s *stream) Read(p []byte) (int, error) {
	for s.at.n > 0 || !s.asked {
		if s.body == nil {
			if err := s.open(); err != nil {
				return 0, err
			}
		}
		n, err := s.body.Read(p[:min(int64(len(p)), s.at.n)])
		s.digest.Write(p[:n]) //nolint:errcheck // a digest cannot fail
		s.at.off, s.at.n, s.received = s.at.off+int64(n), s.at.n-int64(n), s.received+int64(n)
		if err != nil || s.at.n == 0 {
			s.Close()
			if err := s.retry(err); s.at.n > 0 && err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// Close closes the stream's connection.
func (s *stream) Close() error {
	if s.body == nil {
		return nil
	}
	body := s.body
	s.body = nil
	return body.Close()
}

// begin sends the request, if Read has not sent it.
func (s *stream) begin() error {
	if s.asked {
		return nil
	}
	return s.open()
}

func (s *stream) open() error {
	resp, err := s.src.open(s.ctx, s.at) //nolint:bodyclose // Close does
	if err != nil {
		return err
	}
	if !s.asked {
		s.started = time.Now()
	}
	s.body, s.received, s.asked = resp.Body, 0, true
	if s.src.isWhole(s.at) {
		s.header = resp.Header
		s.objectSum = checksumsIn(resp.Header).fullObject()
		s.digest = newDigest(s.objectSum) // nothing was read before
	}
	return nil
}

// retry waits before the next connection. It returns an error if there is no
// use in one.
func (s *stream) retry(err error) error {
	switch {
	case s.at.n == 0:
		return nil
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if s.failures = max(s.failures-int(min(s.received/bytesPerFailure, maxFailures)), 0) + 1; s.failures >= maxFailures {
		return &exhausted{s.failures, time.Since(s.started), err}
	}
	return pause(s.ctx, 100*time.Millisecond<<s.failures)
}

// copyTo writes the rest of the stream to w.
func (s *stream) copyTo(w io.Writer, limits *Limits) error {
	buf, release, err := limits.buffer(s.ctx, s.at.n)
	if err != nil {
		return err
	}
	defer release()
	defer s.Close()
	for {
		n, err := s.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s source) isWhole(at span) bool { return at.off == 0 && at.n == s.Size }

// open requests the span. It requests the whole object without a Range: zero
// bytes have no range, and only a whole answer has checksums.
func (s source) open(ctx context.Context, at span) (*http.Response, error) {
	if s.Size < 0 {
		return nil, malformed("the object's size is given as %d", s.Size)
	}
	r := request{bucket: s.Bucket, key: s.Key, query: "x-id=GetObject", header: http.Header{}}
	if s.VersionID != "" {
		r.query = "versionId=" + escape(s.VersionID) + "&" + r.query
	}
	if s.ETag != "" {
		r.header["If-Match"] = []string{s.ETag}
	}
	if !s.isWhole(at) {
		r.header["Range"] = []string{at.String()}
	} else if !s.NoChecksums {
		r.header["X-Amz-Checksum-Mode"] = []string{"ENABLED"}
	}
	resp, err := s.Client.wire.get(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := s.verify(resp, at); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// verify returns an error if the server ignored the condition or the range.
func (s source) verify(resp *http.Response, at span) error {
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return malformed("the answer with status %d has no object", resp.StatusCode)
	}
	if tag := quoted(resp.Header.Get("ETag")); s.ETag != "" && tag != "" && tag != s.ETag {
		return &Error{Kind: Changed, Err: fmt.Errorf("its ETag is %.*s, not %s", maxETag, tag, s.ETag)}
	}
	otherwise := Malformed // see isSame
	if s.ETag == "" {
		otherwise = Changed
	}
	if resp.ContentLength < 0 {
		return malformed("the answer does not say how long it is")
	}
	if n := resp.ContentLength; n != at.n {
		return &Error{Kind: otherwise, Err: fmt.Errorf("%d bytes came where %d were expected", n, at.n)}
	}
	if s.isWhole(at) {
		if resp.StatusCode == http.StatusPartialContent {
			return malformed("a part of the object, %.100q, came where all of it was asked for", resp.Header.Get("Content-Range"))
		}
		return checksumsIn(resp.Header).check()
	}
	want := fmt.Sprintf("bytes %d-%d/%d", at.off, at.off+at.n-1, s.Size)
	if got := resp.Header.Get("Content-Range"); got != want {
		return &Error{Kind: otherwise, Err: fmt.Errorf("the range %.100q came where %q was expected", got, want)}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
