package transfer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// unconfirmed are answers with a good status to a request that stores, which are
// not S3's.
var unconfirmed = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"blanks":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, " \n ") },
	"error":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<Error></Error>") },
	"page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Sign in</html>") },
	"tagged page": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"5f"`)
		fmt.Fprint(w, "<html>Sign in</html>")
	},
	"no content":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"empty results": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<CompleteMultipartUploadResult/>") },
}

// What nobody confirmed counts as delivered only if it is there.
func TestUnconfirmedUploads(t *testing.T) {
	t.Parallel()
	for name, answer := range unconfirmed {
		for _, stored := range []bool{false, true} {
			for what, c := range map[string]struct {
				operation string
				size      int
				do        func(ctx context.Context, from, to Bucket, o Object, f *fixture) error
			}{
				"put":      {"PutObject", 100, putUp},
				"streamed": {"PutObject", ioBuffer + 1, putUp},
				"in parts": {"CompleteMultipartUpload", resumed, putUp},
				"part":     {"UploadPart", resumed, putUp},
				"copied": {"CopyObject", 100, func(ctx context.Context, from, to Bucket, o Object, _ *fixture) error {
					_, err := Copy(ctx, from, o, to, "x", PutOptions{CopyClient: to.Client, Marker: "job-1/0"})
					return err
				}},
			} {
				switch {
				case what == "part" && stored: // it has no name without its ETag
					continue
				case name == "error" && (what == "in parts" || what == "copied"): // S3 answers so, and is asked again
					continue
				}
				t.Run(fmt.Sprint(what, " ", name, " ", stored), func(t *testing.T) {
					t.Parallel()
					f := newFixture(t)
					f.data = testBytes(c.size)
					f.o = f.store(t, "big", f.data)
					write(t, f.root, "up", f.data)
					f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
						if operation != c.operation {
							next(w, r)
							return
						}
						if stored {
							next(httptest.NewRecorder(), r)
						}
						_, _ = io.Copy(io.Discard, r.Body)
						answer(w, r)
					})
					err := c.do(t.Context(), f.bucket(t, "origin"), f.bucket(t, "target"), f.o, f)
					f.setTamper(nil)
					if stored && err != nil {
						t.Error(err)
					}
					if !stored {
						wantKind(t, err, Malformed)
					}
					if there := len(f.Objects("target")) > 0; there != stored {
						t.Errorf("stored: %v", there)
					}
					f.clean(t)
				})
			}
		}
	}
}

func putUp(ctx context.Context, _, to Bucket, _ Object, f *fixture) error {
	_, err := Put(ctx, to, "x", f.root, "up", PutOptions{Marker: "job-1/0"})
	return err
}
