package transfer

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/minio/crc64nvme"

	"github.com/rolecall/rolecall/internal/journal"
)

// quick returns the bucket with a client that hardly waits between attempts.
func (f *fixture) quick(t *testing.T, name string) Bucket {
	b := f.bucket(t, name)
	b.Client.wire.retryer.(*retryer).base = 1 //nolint:forcetypeassert // it is no other
	return b
}

// first handles the first CreateMultipartUpload.
func (f *fixture) first(answer http.HandlerFunc) {
	var begun atomic.Bool
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "CreateMultipartUpload" && begun.CompareAndSwap(false, true) {
			answer(w, r)
			return
		}
		next(w, r)
	})
}

// carriesOut has S3 carry out the request, and loses the answer.
func (f *fixture) carriesOut(r *http.Request) { f.serve(httptest.NewRecorder(), r) }

// S3 begins an upload, but the answer is lost. Another attempt begins a second
// one, and a sweep finds the first, unless it is certain that there is none.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(*fixture, http.ResponseWriter, *http.Request)
		lost   bool
	}{
		"a reset": {func(f *fixture, _ http.ResponseWriter, r *http.Request) {
			f.carriesOut(r)
			panic(http.ErrAbortHandler)
		}, true},
		"a body that breaks off": {func(f *fixture, w http.ResponseWriter, r *http.Request) {
			f.carriesOut(r)
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("<")) //nolint:errcheck // the client is there
			panic(http.ErrAbortHandler)
		}, true},
		"a 500": {func(f *fixture, w http.ResponseWriter, r *http.Request) {
			f.carriesOut(r)
			refuse(w, r, http.StatusInternalServerError, "InternalError")
		}, true},
		"a 503": {func(f *fixture, w http.ResponseWriter, r *http.Request) {
			f.carriesOut(r)
			refuse(w, r, http.StatusServiceUnavailable, "ServiceUnavailable")
		}, true},
		"slow down": {func(_ *fixture, w http.ResponseWriter, r *http.Request) {
			refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
		}, false},
		"a timeout": {func(_ *fixture, w http.ResponseWriter, r *http.Request) {
			refuse(w, r, http.StatusBadRequest, "RequestTimeout")
		}, false},
	} {
		for operation, do := range map[string]func(*fixture, PutOptions) (Result, error){
			"put": func(f *fixture, o PutOptions) (Result, error) {
				return Put(t.Context(), f.quick(t, "target"), "x", f.root, "up", o)
			},
			"copy": func(f *fixture, o PutOptions) (Result, error) {
				return Copy(t.Context(), f.quick(t, "origin"), f.o, f.quick(t, "target"), "x", o)
			},
		} {
			t.Run(operation+", "+name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				if operation == "copy" {
					crash(t, f.j)
					f.j = journal.New()
				}
				f.first(func(w http.ResponseWriter, r *http.Request) { c.answer(f, w, r) })
				r, err := do(f, PutOptions{Marker: "job-1/0", Journal: f.j})
				if err != nil || r.CRC64 != crc64nvme.Checksum(f.data) {
					t.Fatal(r, err)
				}
				var want []string
				if c.lost {
					want = []string{"x"}
				}
				if got := f.j.Lost("job-1/0"); got != c.lost || f.j.Lost("job-1/1") {
					t.Error("lost: ", got)
				}
				if n := f.count("CreateMultipartUpload"); n != 2 || !slices.Equal(f.uploads(), want) {
					t.Errorf("%d were begun, and there are %q", n, f.uploads())
				}
				if n, err := f.sweep(t.Context(), f.bucket(t, "target"), "", "job-1/0", sessionName); n != len(want) || err != nil {
					t.Errorf("aborted %d, %v", n, err)
				}
				if f.j.Lost("job-1/0") {
					t.Error("they are looked for again")
				}
				f.clean(t)
				f.checkObject(t, operation)
			})
		}
	}
}

// Without permission to list uploads, the lost one is left, and nothing else.
func TestLostMayNotList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.first(func(w http.ResponseWriter, r *http.Request) {
		f.carriesOut(r)
		panic(http.ErrAbortHandler)
	})
	b := f.quick(t, "target")
	if _, err := Put(t.Context(), b, "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: f.j}); err != nil {
		t.Fatal(err)
	}
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "ListMultipartUploads" {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		t.Error("asked for ", operation)
		next(w, r)
	})
	n, err := f.sweep(t.Context(), b, "", "job-1/0", sessionName)
	wantKind(t, err, Denied)
	if n != 0 || !slices.Equal(f.uploads(), []string{"x"}) {
		t.Errorf("aborted %d, there are %q", n, f.uploads())
	}
	f.setTamper(nil)
	f.checkObject(t, "put")
}

// An upload with an invalid id is lost like one whose answer is.
func TestLostBadID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.first(func(w http.ResponseWriter, r *http.Request) {
		f.carriesOut(r)
		w.Write([]byte(`<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>`)) //nolint:errcheck // the client is there
	})
	_, err := Put(t.Context(), f.quick(t, "target"), "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: f.j})
	wantKind(t, err, Malformed)
	if n, err := f.sweep(t.Context(), f.bucket(t, "target"), "", "job-1/0", sessionName); n != 1 || err != nil {
		t.Errorf("aborted %d, %v", n, err)
	}
	f.clean(t)
}
