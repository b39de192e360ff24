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
	ioBuffer    = 256 << 10
	resumptions = 5        // that bring next to nothing
	worthwhile  = 64 << 10 // bytes that make up for one
)

// source is an object to read, always the version that the ETag names.
type source struct {
	Bucket
	Object
}

// stream reads a span of the source and sums it. A connection that breaks or
// stalls is taken up again after the last byte received, as often as the bytes
// are worth it. Nothing is asked for before the first Read.
type stream struct {
	*digest
	known  checksum    // of the object, where S3 tells it: when the span is the whole
	header http.Header // of the answer, then

	ctx       context.Context // of the transfer that the stream belongs to
	src       source
	at        span // what is left
	asked     bool // at least once: of an empty object, too, S3 must say that it is there
	body      io.ReadCloser
	got       int64 // over this connection
	fruitless int
	since     time.Time // when it was first asked for
}

// stream reads the span and sums it with the function of want, too.
func (s source) stream(ctx context.Context, at span, want checksum) *stream {
	return &stream{ctx: ctx, src: s, at: at, digest: newDigest(want)}
}

// Read reads on; at the end of the span it gives io.EOF.
func (s *stream) Read(p []byte) (int, error) {
	for s.at.n > 0 || !s.asked {
		if s.body == nil {
			if err := s.open(); err != nil {
				return 0, err
			}
		}
		n, err := s.body.Read(p[:min(int64(len(p)), s.at.n)])
		s.digest.Write(p[:n]) //nolint:errcheck // a digest cannot fail
		s.at.off, s.at.n, s.got = s.at.off+int64(n), s.at.n-int64(n), s.got+int64(n)
		if err != nil || s.at.n == 0 {
			s.Close()
			if err := s.again(err); s.at.n > 0 && err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// Close ends the stream's connection.
func (s *stream) Close() error {
	if s.body == nil {
		return nil
	}
	body := s.body
	s.body = nil
	return body.Close()
}

// begin asks for the stream's bytes before they are read.
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
		s.since = time.Now()
	}
	s.body, s.got, s.asked = resp.Body, 0, true
	if s.src.whole(s.at) {
		s.header = resp.Header
		s.known = offeredBy(resp.Header).whole()
		s.digest = newDigest(s.known) // nothing was read before
	}
	return nil
}

// again waits before the next connection, or gives up.
func (s *stream) again(err error) error {
	switch {
	case s.at.n == 0:
		return nil
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if s.fruitless = max(s.fruitless-int(min(s.got/worthwhile, resumptions)), 0) + 1; s.fruitless >= resumptions {
		return &exhausted{s.fruitless, time.Since(s.since), err}
	}
	return pause(s.ctx, 100*time.Millisecond<<s.fruitless)
}

// drain writes what is left of the stream to w, through a buffer that is lent.
func (s *stream) drain(w io.Writer, memory *Memory) error {
	buf, giveBack, err := memory.lend(s.ctx, s.at.n)
	if err != nil {
		return err
	}
	defer giveBack()
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

func (s source) whole(at span) bool { return at.off == 0 && at.n == s.Size }

// open asks for the span, or without a Range for the whole: zero bytes have
// no range, and only a whole answer carries checksums.
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
	if !s.whole(at) {
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

// verify finds servers that ignore the condition or the range.
func (s source) verify(resp *http.Response, at span) error {
	if tag := quoted(resp.Header.Get("ETag")); s.ETag != "" && tag != "" && tag != s.ETag {
		return &Error{Kind: Changed, Err: fmt.Errorf("its ETag is %.*s, not %s", maxETag, tag, s.ETag)}
	}
	if resp.ContentLength < 0 {
		return malformed("the answer does not say how long it is")
	}
	if n := resp.ContentLength; n != at.n {
		return &Error{Kind: Changed, Err: fmt.Errorf("%d bytes came where %d were expected", n, at.n)}
	}
	if s.whole(at) {
		return nil
	}
	want := fmt.Sprintf("bytes %d-%d/%d", at.off, at.off+at.n-1, s.Size)
	if got := resp.Header.Get("Content-Range"); got != want {
		return &Error{Kind: Changed, Err: fmt.Errorf("the range %.100q came where %q was expected", got, want)}
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
