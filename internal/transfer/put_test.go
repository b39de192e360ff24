package transfer

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPutRegularFilesOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.bucket(t, "target")
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRoot(t)
	write(t, root, "real/file", []byte("real"))
	for _, err := range []error{
		root.Symlink("real/file", "link"), root.Symlink(outside, "out"), root.Symlink("real", "dir"),
		syscall.Mkfifo(filepath.Join(root.Name(), "pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "out", "dir/file", "real", "pipe", "none", "../secret", outside, "", "real/file/x", "real/../real/file"} {
		_, err := Put(t.Context(), b, "x", root, name, PutOptions{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != BadFile {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := s.Objects("target"); len(got) > 0 {
		t.Error("written: ", got)
	}
	if _, err := Put(t.Context(), b, "x", root, "real/file", PutOptions{}); err != nil {
		t.Error(err)
	}
}

// Writes to the file during the upload do not become a mixture in the bucket.
func TestPutChanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*os.Root) error{
		"grows": func(root *os.Root) error {
			f, err := root.OpenFile("up", os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = f.Write([]byte("more"))
				err = errors.Join(err, f.Close())
			}
			return err
		},
		"shrinks": func(root *os.Root) error {
			f, err := root.OpenFile("up", os.O_WRONLY|os.O_TRUNC, 0)
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			root := newRoot(t)
			write(t, root, "up", testBytes(40*mib))
			var once sync.Once
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "UploadPart" {
					once.Do(func() {
						if err := change(root); err != nil {
							t.Error(err)
						}
					})
				}
				next(w, r)
			})
			_, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "up", PutOptions{})
			wantKind(t, err, Changed)
			if len(s.Objects("target"))+len(s.Uploads("target")) > 0 {
				t.Error("something is left")
			}
		})
	}
}

// S3 refuses bytes that are damaged in transfer.
func TestPutCorrupt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	root := newRoot(t)
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "PutObject" || operation == "UploadPart" {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return // the other part was refused first, and this one broke off
			}
			data[len(data)/2] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(data))
		}
		next(w, r)
	})
	for _, size := range []int{100, multipartFrom} {
		write(t, root, "up", testBytes(size))
		_, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "up", PutOptions{})
		wantKind(t, err, Corrupt)
	}
	if len(s.Objects("target"))+len(s.Uploads("target")) > 0 {
		t.Error("something is left")
	}
}

// The request that makes the object visible succeeds, but its answer is lost.
// The repeated request is refused, and the object is recognized as the one to
// be written.
func TestPutLosesAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size      int
		operation string
		options   PutOptions
	}{
		"put":                   {100, "PutObject", PutOptions{Marker: "m"}},
		"complete":              {multipartFrom, "CompleteMultipartUpload", PutOptions{Marker: "m"}},
		"complete to overwrite": {multipartFrom, "CompleteMultipartUpload", PutOptions{Marker: "m", Overwrite: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			root := newRoot(t)
			write(t, root, "up", testBytes(c.size))
			var once sync.Once
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == c.operation {
					lost := false
					once.Do(func() {
						next(httptest.NewRecorder(), r)
						lost = true
					})
					if lost {
						panic(http.ErrAbortHandler)
					}
				}
				next(w, r)
			})
			if _, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "up", c.options); err != nil {
				t.Error(err)
			}
			if n := s.count(c.operation); n != 2 {
				t.Errorf("asked %d times", n)
			}
			if len(s.Objects("target")) != 1 || len(s.Uploads("target")) != 0 {
				t.Error("got ", s.Objects("target"), s.Uploads("target"))
			}
		})
	}
}

// If the outcome cannot be read after the answer is lost, or the upload
// disappears, another attempt may succeed. The object is not reported as
// missing.
func TestPutOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options PutOptions
		tamper  tamper
		kind    Kind
	}{
		"complete": {PutOptions{Marker: "m", Overwrite: true}, func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			switch operation {
			case "CompleteMultipartUpload":
				next(httptest.NewRecorder(), r)
				refuse(w, r, http.StatusNotFound, "NoSuchUpload")
			case "HeadObject", "GetObject":
				refuse(w, r, http.StatusForbidden, "AccessDenied")
			default:
				next(w, r)
			}
		}, Unavailable},
		"exists": {PutOptions{Marker: "m"}, func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			switch operation {
			case "CompleteMultipartUpload":
				refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
			case "HeadObject", "GetObject":
				refuse(w, r, http.StatusForbidden, "AccessDenied")
			default:
				next(w, r)
			}
		}, Exists},
		"exists no more": {PutOptions{Marker: "m"}, func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if operation == "CompleteMultipartUpload" {
				refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
				return
			}
			next(w, r)
		}, Unavailable},
		"part": {PutOptions{Overwrite: true}, func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if operation == "UploadPart" {
				refuse(w, r, http.StatusNotFound, "NoSuchUpload")
				return
			}
			next(w, r)
		}, Unavailable},
		"no bucket": {PutOptions{Overwrite: true}, func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if operation == "CompleteMultipartUpload" {
				refuse(w, r, http.StatusNotFound, "NoSuchBucket")
				return
			}
			next(w, r)
		}, NoBucket},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.setTamper(c.tamper)
			root := newRoot(t)
			write(t, root, "up", testBytes(multipartFrom))
			_, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "up", c.options)
			wantKind(t, err, c.kind)
		})
	}
}

// If a server does not know If-None-Match, the object is looked up before.
func TestPutLooksFirst(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, multipartFrom} {
		s := newServer(t)
		s.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
			r.Header.Del("If-None-Match")
			next(w, r)
		})
		b := s.bucket(t, "target")
		b.LookFirst, b.NoChecksums = true, true
		root := newRoot(t)
		write(t, root, "up", testBytes(size))
		write(t, root, "other", testBytes(size+1))
		if r, err := Put(t.Context(), b, "x", root, "up", PutOptions{Marker: "m"}); err != nil || r.Already {
			t.Fatalf("%d: %+v, %v", size, r, err)
		}
		if r, err := Put(t.Context(), b, "x", root, "up", PutOptions{Marker: "m"}); err != nil || !r.Already {
			t.Errorf("%d again: %+v, %v", size, r, err)
		}
		for _, options := range []PutOptions{{Marker: "m"}, {}} {
			_, err := Put(t.Context(), b, "x", root, "other", options)
			wantKind(t, err, Exists)
		}
		if got := s.Objects("target"); len(got) != 1 || got[0].Size != int64(size) {
			t.Errorf("%d: there is %v", size, got)
		}
		if len(s.Uploads("target")) > 0 {
			t.Error("an upload is left")
		}
		if _, err := Put(t.Context(), b, "x", root, "other", PutOptions{Overwrite: true}); err != nil {
			t.Error(err)
		}
	}
}

// Without permission to look the object up, the server's condition decides.
func TestPutMayNotLook(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "HeadObject" || operation == "GetObject" {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next(w, r)
	})
	b := s.bucket(t, "target")
	b.LookFirst = true
	root := newRoot(t)
	write(t, root, "up", testBytes(100))
	if _, err := Put(t.Context(), b, "x", root, "up", PutOptions{}); err != nil {
		t.Error(err)
	}
	_, err := Put(t.Context(), b, "x", root, "up", PutOptions{})
	wantKind(t, err, Exists)
}

func TestPutFailsAndCannotAbort(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	root := newRoot(t)
	write(t, root, "up", testBytes(multipartFrom))
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "UploadPart" || operation == "AbortMultipartUpload" {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next(w, r)
	})
	_, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "up", PutOptions{})
	e := wantError(t, err, Denied)
	if left := s.Uploads("target"); len(left) != 1 || e.Upload != left[0].ID {
		t.Errorf("the error names the upload %q, there is %v", e.Upload, left)
	}
	if e.Code != "AccessDenied" || e.Text != "as the test wants it" || e.Op != "put" || e.Bucket != "target" || e.Key != "x" {
		t.Errorf("got %+v", e)
	}
}

func TestPutOptions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	root := newRoot(t)
	const kms = "arn:aws:kms:us-east-1:111122223333:key/media"
	for _, size := range []int{100, multipartFrom} {
		write(t, root, "up", testBytes(size))
		b := s.bucket(t, "target")
		b.RequesterPays = true
		var bare []string // requests that lack a header that all must have
		var mu sync.Mutex
		s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if r.Header.Get("X-Amz-Expected-Bucket-Owner") != owner || r.Header.Get("X-Amz-Request-Payer") != "requester" ||
				!strings.Contains(r.Header.Get("User-Agent"), "rolecall/test") {
				mu.Lock()
				bare = append(bare, operation)
				mu.Unlock()
			}
			next(w, r) // without the lock: a copy reads while it writes
		})
		options := PutOptions{
			Overwrite: true, Marker: "job/1", Encryption: Encryption{Type: "aws:kms", Key: kms}, StorageClass: "STANDARD_IA",
			ACL: "bucket-owner-full-control",
		}
		if _, err := Put(t.Context(), b, "x", root, "up", options); err != nil {
			t.Fatal(err)
		}
		if _, err := Copy(t.Context(), b, Object{Key: "x"}, b, "y", options); err != nil {
			t.Fatal(err)
		}
		if _, err := Get(t.Context(), b, Object{Key: "x"}, root, "down", GetOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := Tag(t.Context(), b, "x", nil); err != nil {
			t.Fatal(err)
		}
		for _, err := range List(t.Context(), b, "") {
			if err != nil {
				t.Error(err)
			}
		}
		for _, o := range s.Objects("target") {
			got := []string{o.Header.Get("X-Amz-Meta-Rolecall"), o.Encryption.Type, o.Encryption.Key, o.StorageClass}
			if d := cmp.Diff([]string{"job/1", "aws:kms", kms, "STANDARD_IA"}, got); d != "" {
				t.Error(o.Key, d)
			}
		}
		if len(bare) > 0 {
			t.Error("owner, payer or label were not sent with ", bare)
		}
		s.setTamper(nil)
	}
}
