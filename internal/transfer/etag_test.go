package transfer

import (
	"net/http"
	"strings"
	"testing"
)

// tagged gives answers another ETag.
type tagged struct {
	http.ResponseWriter
	change func(tag string) string
}

// WriteHeader ends the header.
func (t tagged) WriteHeader(status int) {
	t.Header().Set("ETag", t.change(t.Header().Get("ETag")))
	t.ResponseWriter.WriteHeader(status)
}

// Without an ETag nothing tells one version of an object from another.
func TestObjectsHaveETags(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100, multipartFrom} {
		s := newServer(t)
		s.have(t, "x", noise(size))
		s.meddle(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
			next(tagged{w, func(string) string { return "" }}, r)
		})
		from, to := s.bucket(t, "origin"), s.bucket(t, "target")
		_, err := Get(t.Context(), from, Object{Key: "x"}, newRoot(t), "x", GetOptions{})
		wantKind(t, err, Malformed)
		for _, both := range []*Client{nil, to.Client} {
			_, err = Copy(t.Context(), from, Object{Key: "x"}, to, "x", PutOptions{CopyClient: both})
			if e := theFault(t, err, Malformed); e.Bucket != "origin" {
				t.Errorf("the fault is that of %s", e.Bucket)
			}
		}
		if n := s.count("GetObject"); n > 0 {
			t.Errorf("%d bytes: read %d times", size, n)
		}
	}
}

// A server may leave the quotes of ETags out, here or there.
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
			o := s.have(t, "x", noise(size))
			if c.listed {
				o.ETag = unquoted(o.ETag)
			}
			s.meddle(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
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
