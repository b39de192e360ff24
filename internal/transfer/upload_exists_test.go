package transfer

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// An existing object is found before parts are sent, and so is one that an
// earlier run delivered.
func TestPartsLookFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size int
		do   func(ctx context.Context, f *fixture, b Bucket, options PutOptions) (Result, error)
	}{
		"put": {multipartFrom, func(ctx context.Context, f *fixture, b Bucket, options PutOptions) (Result, error) {
			return Put(ctx, b, "x", f.root, "up", options)
		}},
		"copy": {multipartFrom, func(ctx context.Context, f *fixture, b Bucket, options PutOptions) (Result, error) {
			return Copy(ctx, Bucket{Client: b.Client, Name: "origin"}, f.o, b, "x", options)
		}},
		"copy within": {copyMultipartFrom, func(ctx context.Context, f *fixture, b Bucket, options PutOptions) (Result, error) {
			options.CopyClient = b.Client
			return Copy(ctx, Bucket{Client: b.Client, Name: "origin"}, f.o, b, "x", options)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.data = testBytes(c.size)
			f.o = f.store(t, "big", f.data)
			write(t, f.root, "up", f.data)
			b := f.bucket(t, "target")
			if err := f.PutObject("target", "x", strings.NewReader("theirs")); err != nil {
				t.Fatal(err)
			}
			_, err := c.do(t.Context(), f, b, PutOptions{Marker: "job-1/0"})
			wantKind(t, err, Exists)
			if n := f.count("CreateMultipartUpload"); n > 0 {
				t.Errorf("%d uploads were begun", n)
			}
			if _, err := c.do(t.Context(), f, b, PutOptions{Marker: "job-1/0", Overwrite: true}); err != nil {
				t.Fatal(err)
			}
			var told counter
			r, err := c.do(t.Context(), f, b, PutOptions{Marker: "job-1/0", Progress: told.add})
			if err != nil || !r.Already || r.Bytes != int64(c.size) || told.total() != r.Bytes {
				t.Errorf("once more: %+v, %d bytes told, %v", r, told.total(), err)
			}
			if n := f.count("CreateMultipartUpload"); n != 1 {
				t.Errorf("%d uploads were begun", n)
			}
			f.clean(t)
		})
	}
}

// Without permission to list, which is requested once, the condition of the
// last request decides. An object that does not exist is not requested.
func TestPartsMayNotBeListed(t *testing.T) {
	t.Parallel()
	for _, denied := range []bool{true, false} {
		f := newFixture(t)
		f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if denied && operation == "ListObjectsV2" {
				refuse(w, r, http.StatusForbidden, "AccessDenied")
				return
			}
			next(w, r)
		})
		b := f.bucket(t, "target")
		for _, key := range []string{"x/y", "x"} { // x is a prefix of the other
			if _, err := Put(t.Context(), b, key, f.root, "up", PutOptions{}); err != nil {
				t.Error(err)
			}
		}
		want := 2
		if denied {
			want = 1
		}
		if n := f.count("ListObjectsV2"); n != want || f.count("HeadObject") != 1 { // one by the fixture
			t.Errorf("denied %t: listed %d times, %d asked for", denied, n, f.count("HeadObject"))
		}
		if r, err := Put(t.Context(), b, "x", f.root, "up", PutOptions{}); err != nil || !r.Already {
			t.Errorf("the same bytes: %+v, %v", r, err)
		}
		write(t, f.root, "up", make([]byte, len(f.data)))
		_, err := Put(t.Context(), b, "x", f.root, "up", PutOptions{})
		wantKind(t, err, Exists)
		f.clean(t)
	}
}
