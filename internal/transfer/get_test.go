package transfer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/workdir"
)

// cutter breaks the connection after a number of bytes of the body.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	c.ResponseWriter.Write(p[:c.left])      //nolint:errcheck // about to break it
	c.ResponseWriter.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's has it
	panic(http.ErrAbortHandler)
}

// flipper changes one byte of an answer.
type flipper struct{ http.ResponseWriter }

func (f flipper) Write(p []byte) (int, error) {
	p = bytes.Clone(p)
	p[len(p)/2] ^= 1
	return f.ResponseWriter.Write(p)
}

// unmeasured removes the length from an answer.
type unmeasured struct{ http.ResponseWriter }

func (u unmeasured) WriteHeader(status int) {
	u.Header().Del("Content-Length")
	u.ResponseWriter.WriteHeader(status)
	u.ResponseWriter.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's has it
}

func TestGetResumes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "GetObject" {
			w = &cutter{w, 3*mib + 7}
		}
		next(w, r)
	})
	for size, requests := range map[int]int{7 * mib: 3, 17 * mib: 3 + 3 + 1} {
		data := testBytes(size)
		o := s.store(t, "file", data)
		root := newRoot(t)
		var told counter
		before := s.count("GetObject")
		got, err := Get(t.Context(), s.bucket(t, "origin"), o, root, "file", GetOptions{Progress: told.add})
		if err != nil || got.Verified != "CRC64NVME" {
			t.Fatal(got, err)
		}
		read, err := root.ReadFile("file")
		if err != nil || !bytes.Equal(read, data) || told.total() != int64(size) {
			t.Errorf("%d bytes: differ %v, %d reported, %v", size, !bytes.Equal(read, data), told.total(), err)
		}
		if n := s.count("GetObject") - before; n != requests {
			t.Errorf("%d bytes took %d requests, want %d: some were asked for twice", size, n, requests)
		}
	}
}

func TestGetChangesBetween(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	o := s.store(t, "file", testBytes(7*mib))
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		defer func() {
			if err := s.PutObject("origin", "file", bytes.NewReader(testBytes(7*mib+1))); err != nil {
				t.Error(err)
			}
			if broken := recover(); broken != nil {
				panic(broken)
			}
		}()
		next(&cutter{w, mib}, r)
	})
	root := newRoot(t)
	_, err := Get(t.Context(), s.bucket(t, "origin"), o, root, "file", GetOptions{})
	wantKind(t, err, Changed)
	empty(t, root)
}

func TestGetCorrupt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, size := range []int{1000, multipartFrom} {
		o := s.store(t, "file", testBytes(size))
		for name, c := range map[string]struct {
			tamper tamper
			kind   Kind
		}{
			"flipped": {func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "GetObject" {
					w = flipper{w}
				}
				next(w, r)
			}, Corrupt},
			"range and condition ignored": {func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
				r.Header.Del("Range")
				next(w, r)
			}, map[int]Kind{multipartFrom: Malformed}[size]},
			"no length": {func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "GetObject" {
					w = unmeasured{w}
				}
				next(w, r)
			}, Malformed},
			"wrong etag": {func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				r.Header.Del("If-Match")
				if operation == "GetObject" {
					r.URL.Path = "/origin/other"
				}
				next(w, r)
			}, Changed},
		} {
			if err := s.PutObject("origin", "other", bytes.NewReader(make([]byte, size))); err != nil {
				t.Fatal(err)
			}
			root := newRoot(t)
			s.setTamper(c.tamper)
			_, err := Get(t.Context(), s.bucket(t, "origin"), o, root, "dir/file", GetOptions{})
			s.setTamper(nil)
			if c.kind == "" {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			wantKind(t, err, c.kind)
			empty(t, root)
		}
	}
}

// An object's checksum is used whatever its function, if it is one of the
// whole.
func TestGetVerifies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.bucket(t, "origin")
	for _, size := range []int{100, multipartFrom + 5} {
		data := testBytes(size)
		for _, function := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"} {
			if _, err := b.Client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("origin"), Key: aws.String("x"), Body: bytes.NewReader(data), ChecksumAlgorithm: function,
			}); err != nil {
				t.Fatal(err)
			}
			root := newRoot(t)
			got, err := Get(t.Context(), b, Object{Key: "x"}, root, "x", GetOptions{})
			if err != nil || got.Verified != string(function) {
				t.Errorf("get %d with %s: %+v, %v", size, function, got, err)
			}
			want := string(function)
			if size > multipartFrom && strings.HasPrefix(want, "SHA") {
				want = "" // composite: not one of the whole
			}
			copied, err := Copy(t.Context(), b, Object{Key: "x"}, s.bucket(t, "target"), "x", PutOptions{Overwrite: true})
			if err != nil || copied.Verified != want {
				t.Errorf("copy %d with %s: %+v, %v", size, function, copied, err)
			}
		}
	}
}

func TestGetPlaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b, o := s.bucket(t, "origin"), s.store(t, "x", testBytes(100))
	outside := t.TempDir()
	for name, prepare := range map[string]func(*os.Root) error{
		"dir":                    func(r *os.Root) error { return r.Mkdir("dir", 0o700) },
		"link":                   func(r *os.Root) error { return r.Symlink("elsewhere", "link") },
		"out":                    func(r *os.Root) error { return r.Symlink(outside, "out") },
		"out/file":               func(r *os.Root) error { return r.Symlink(outside, "out") },
		"in/file":                func(r *os.Root) error { return errors.Join(r.Mkdir("real", 0o700), r.Symlink("real", "in")) },
		"file/file":              func(r *os.Root) error { return r.WriteFile("file", nil, 0o600) },
		"../file":                nil,
		"/etc/file":              nil,
		"a/../b":                 nil,
		"a//b":                   nil,
		"a/":                     nil,
		".":                      nil,
		"":                       nil,
		"a\x00b":                 nil,
		"a/./b":                  nil,
		"a/../../etc":            nil,
		strings.Repeat("x", 300): nil,
	} {
		root := newRoot(t)
		if prepare != nil {
			if err := prepare(root); err != nil {
				t.Fatal(err)
			}
		}
		before := files(t, root)
		_, err := Get(t.Context(), b, o, root, name, GetOptions{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != BadFile {
			t.Errorf("%.20q: %v", name, err)
		}
		if after := files(t, root); !slices.Equal(before, after) {
			t.Errorf("%.20q left %q", name, after)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Error("outside there is ", left, err)
	}
}

// A file with the name is replaced: every task can safely run twice.
func TestGetReplaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	root := newRoot(t)
	write(t, root, "a/x", []byte("before"))
	if _, err := Get(t.Context(), s.bucket(t, "origin"), s.store(t, "x", testBytes(100)), root, "a/x", GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if data, err := root.ReadFile("a/x"); err != nil || !bytes.Equal(data, testBytes(100)) {
		t.Error("the file is not the object", err)
	}
	if got := files(t, root); !slices.Equal(got, []string{"a/x"}) {
		t.Error("left behind: ", got)
	}
}

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	o := s.store(t, "x", testBytes(multipartFrom))
	root := newRoot(t)
	var seen []string
	var once sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Get(ctx, s.bucket(t, "origin"), o, root, "a/x", GetOptions{Progress: func(int64) {
		once.Do(func() {
			seen = files(t, root)
			cancel()
		})
	}})
	wantKind(t, err, Canceled)
	if len(seen) != 1 || !workdir.IsTemporary(seen[0]) {
		t.Errorf("an unfinished file is called %q", seen)
	}
	empty(t, root)
	if workdir.IsTemporary("a/x") || workdir.IsTemporary(".rolecall-1.part/x") {
		t.Error("other names are taken for temporary ones")
	}
}

func empty(t *testing.T, root *os.Root) {
	t.Helper()
	if got := files(t, root); len(got) > 0 {
		t.Error("left behind: ", got)
	}
}

// Objects that are stored compressed stay so, although the HTTP client could
// unpack them.
func TestGetStaysPacked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	o := s.store(t, "x", testBytes(100))
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if got := r.Header.Get("Accept-Encoding"); operation == "GetObject" && got != "identity" {
			t.Errorf("asked for the encoding %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		next(w, r)
	})
	root := newRoot(t)
	if _, err := Get(t.Context(), s.bucket(t, "origin"), o, root, "x", GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := root.ReadFile("x"); err != nil || !bytes.Equal(got, testBytes(100)) {
		t.Error("the bytes differ", err)
	}
}
