package transfer

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a body that goes on until its request is cancelled. It counts
// what was taken of it.
type endless struct {
	done  <-chan struct{}
	pause time.Duration // before each byte; zero: as many as there is room for
	taken int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := len(p)
	if e.pause > 0 {
		n = min(n, 1)
		select {
		case <-e.done:
			return 0, io.ErrUnexpectedEOF
		case <-time.After(e.pause):
		}
	}
	for i := range p[:n] {
		p[i] = ' '
	}
	e.taken += int64(n)
	return n, nil
}

// A server that sends without end is refused, not read into memory, and not
// asked again.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	write(t, root, "small", noise(10))
	write(t, root, "big", noise(inParts))
	for name, c := range map[string]struct {
		status int
		limit  int64
		do     func(Bucket) error
	}{
		"listing": {http.StatusOK, listingLimit, func(b Bucket) error {
			for _, err := range List(t.Context(), b, "") {
				return err
			}
			return nil
		}},
		"refused get": {http.StatusForbidden, errorLimit, func(b Bucket) error {
			_, err := Get(t.Context(), b, Object{Key: "k", Size: 10, ETag: `"e"`}, root, "k", GetOptions{})
			return err
		}},
		"failing get": {http.StatusServiceUnavailable, errorLimit, func(b Bucket) error {
			_, err := Get(t.Context(), b, Object{Key: "k", Size: 10, ETag: `"e"`}, root, "k", GetOptions{})
			return err
		}},
		"put": {http.StatusOK, answerLimit, func(b Bucket) error {
			_, err := Put(t.Context(), b, "k", root, "small", PutOptions{})
			return err
		}},
		"begin of parts": {http.StatusOK, answerLimit, func(b Bucket) error {
			_, err := Put(t.Context(), b, "k", root, "big", PutOptions{})
			return err
		}},
		"tag": {http.StatusOK, answerLimit, func(b Bucket) error { return Tag(t.Context(), b, "k", nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			stream := &endless{}
			b := doer(func(r *http.Request) (*http.Response, error) {
				asked++
				return answer(r, c.status, stream, -1), nil
			}).bucket()
			wantKind(t, c.do(b), Malformed)
			if asked != 1 || stream.taken > c.limit+ioBuffer {
				t.Errorf("%d bytes were taken in %d requests", stream.taken, asked)
			}
		})
	}
}

// A server that drips a listing does not hold a transfer longer than the
// longest answer may take, each time that it is asked.
func TestDrippingAnswersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			return answer(r, http.StatusOK, &endless{done: r.Context().Done(), pause: stallLimit - time.Second}, -1), nil
		}).bucket()
		for _, err := range List(t.Context(), b, "") {
			wantKind(t, err, Unreachable)
		}
		if took := time.Since(began); took > attempts*(answerTime+maxBackoff) {
			t.Errorf("it took %v", took)
		}
	})
}

// One byte for each connection is no progress.
func TestDrippingObjectsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			left := inParts - asked + 1
			resp := answer(r, http.StatusPartialContent, io.LimitReader(&endless{}, 1), left)
			if got := r.Header.Get("Range"); got != "" {
				resp.Header.Set("Content-Range", "bytes "+got[len("bytes="):]+"/"+strconv.Itoa(inParts))
			}
			return resp, nil
		}).bucket()
		err := readAll(t.Context(), source{b, Object{Key: "x", Size: inParts, ETag: `"e"`}}, io.Discard)
		if kindOf(err) != Unreachable || asked != resumptions {
			t.Errorf("%v after %d requests", err, asked)
		}
	})
}
