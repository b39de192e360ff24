package transfer

import (
	"net/http"
	"testing"

	"github.com/rolecall/rolecall/internal/journal"
)

// An upload that is not resumed is aborted, however the object is written then.
func TestResumeOtherwise(t *testing.T) {
	t.Parallel()
	answering := func(operation string, status int, code string) tamper {
		return func(w http.ResponseWriter, r *http.Request, asked string, next http.HandlerFunc) {
			if asked == operation {
				refuse(w, r, status, code)
				return
			}
			next(w, r)
		}
	}
	for name, c := range map[string]struct {
		first, then func(*testing.T, *fixture) (Result, error)
		tamper      tamper
		kind        Kind
	}{
		"copied at once": {
			func(t *testing.T, f *fixture) (Result, error) { return f.copy(t) },
			func(t *testing.T, f *fixture) (Result, error) {
				to := f.bucket(t, "target")
				options := PutOptions{Marker: "job-1/0", Journal: f.j, CopyClient: to.Client}
				return Copy(t.Context(), f.bucket(t, "origin"), f.o, to, "x", options)
			}, nil, "",
		},
		"parts are not listed": {
			func(t *testing.T, f *fixture) (Result, error) { return f.put(t) },
			func(t *testing.T, f *fixture) (Result, error) { return f.put(t) },
			answering("ListParts", http.StatusNotImplemented, "NotImplemented"), "",
		},
		"there is another": {
			func(t *testing.T, f *fixture) (Result, error) { return f.put(t) },
			func(t *testing.T, f *fixture) (Result, error) {
				f.store(t, "up", testBytes(5))
				if _, err := Copy(t.Context(), f.bucket(t, "origin"), Object{Key: "up"}, f.bucket(t, "target"), "x", PutOptions{}); err != nil {
					t.Fatal(err)
				}
				return f.put(t)
			},
			answering("ListParts", http.StatusNotImplemented, "NotImplemented"), Exists,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.cut(t, func(t *testing.T) (Result, error) { return c.first(t, f) })
			f.crash(t)
			f.setTamper(c.tamper)
			r, err := c.then(t, f)
			if c.kind == "" {
				f.whole(t, r, err, 0)
			} else {
				wantKind(t, err, c.kind)
				f.clean(t)
			}
			if n := f.j.Unfinished(); n > 0 {
				t.Errorf("%d are noted as open", n)
			}
		})
	}
}

// An upload that turns out to be needless stays recorded until it is aborted.
func TestResumeAlready(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.put)
	other := journal.New() // of another process with the same job
	if _, err := Put(t.Context(), f.bucket(t, "target"), "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: other}); err != nil {
		t.Fatal(err)
	}
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "AbortMultipartUpload" {
			refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
			return
		}
		next(w, r)
	})
	b := f.bucket(t, "target")
	b.Client = withoutPauses(b.Client)
	_, err := Put(t.Context(), b, "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: f.j})
	wantKind(t, err, Unavailable)
	if n := f.j.Unfinished(); n != 1 {
		t.Fatalf("%d are noted as open", n)
	}
	f.setTamper(nil)
	if r, err := f.put(t); err != nil || !r.Already {
		t.Errorf("once more: %+v, %v", r, err)
	}
	f.clean(t)
}
