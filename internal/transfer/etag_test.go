package transfer

import (
	"net/http"
	"strings"
	"testing"
)

// tagged changes the ETag of answers.
type tagged struct {
	http.ResponseWriter
	change func(tag string) string
}

func (t tagged) WriteHeader(status int) {
	t.Header().Set("ETag", t.change(t.Header().Get("ETag")))
	t.ResponseWriter.WriteHeader(status)
}

// Without an ETag, versions of an object cannot be distinguished.
func TestObjectsHaveETags(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100, multipartFrom} {
		s := newServer(t)
		s.store(t, "x", testBytes(size))
		s.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
			next(tagged{w, func(string) string { return "" }}, r)
		})
		from, to := s.bucket(t, "origin"), s.bucket(t, "target")
		_, err := Get(t.Context(), from, Object{Key: "x"}, newRoot(t), "x", GetOptions{})
		wantKind(t, err, Malformed)
		for _, both := range []*Client{nil, to.Client} {
			_, err = Copy(t.Context(), from, Object{Key: "x"}, to, "x", PutOptions{CopyClient: both})
			if e := wantError(t, err, Malformed); e.Bucket != "origin" {
				t.Errorf("the fault is that of %s", e.Bucket)
			}
		}
		if n := s.count("GetObject"); n > 0 {
			t.Errorf("%d bytes: read %d times", size, n)
		}
	}
}

// A server may leave out the quotes of ETags in some answers.
func TestETagsWithoutQuotes(t *testing.T) {
	t.Parallel()
	unquoted := func(tag string) string { return strings.Trim(tag, `"`) }
	for _, size := range []int{100, multipartFrom} {
		for name, c := range map[string]struct {
			listed bool
			by     string // operation
		}{
			"in a listing": {true, ""}, "by HEAD": {false, "HeadObject"}, "by GET": {false, "GetObject"},
		} {
			s := newServer(t)
			o := s.store(t, "x", testBytes(size))
			if c.listed {
				o.ETag = unquoted(o.ETag)
			}
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == c.by {
					w = tagged{w, unquoted}
				}
				next(w, r)
			})
			root := newRoot(t)
			if _, err := Get(t.Context(), s.bucket(t, "origin"), o, root, "x", GetOptions{}); err != nil {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
			if _, err := Copy(t.Context(), s.bucket(t, "origin"), o, s.bucket(t, "target"), "x", PutOptions{}); err != nil {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
		}
	}
}
