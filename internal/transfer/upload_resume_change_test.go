package transfer

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall/internal/workdir"
)

// unfinished returns the name of the one temporary file.
func (f *fixture) unfinished(t *testing.T) string {
	t.Helper()
	for _, name := range files(t, f.root) {
		if workdir.IsTemporary(name) {
			return name
		}
	}
	t.Fatal("there is no unfinished file")
	return ""
}

// forge changes a byte of a file, in its middle, and keeps its time.
func (f *fixture) forge(t *testing.T, name string) {
	t.Helper()
	info, err := f.root.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f.data = bytes.Clone(f.data)
	f.data[len(f.data)/2] ^= 1
	write(t, f.root, name, f.data)
	if err := f.root.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) upload(t *testing.T) string {
	t.Helper()
	open := f.Uploads("target")
	if len(open) != 1 {
		t.Fatal("there are the uploads ", open)
	}
	return open[0].ID
}

var crc64OfPart = regexp.MustCompile(`"part":1,(.*)"crc64":(\d+)`)

func wrongSum(text string) string { return crc64OfPart.ReplaceAllString(text, `"part":1,$1"crc64":7`) }

// Whatever changes between two attempts is noticed: the transfer succeeds, and
// keeps those of its parts that are still right.
func TestResumeAfterChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		try    string
		change func(*testing.T, *fixture)
		kept   int64
	}{
		"put, the file is touched": {"put", func(t *testing.T, f *fixture) {
			if err := f.root.Chtimes("up", time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"put, the file is another of the same time": {"put", func(t *testing.T, f *fixture) {
			f.forge(t, "up")
		}, partSize},
		"put, the file is small now": {"put", func(t *testing.T, f *fixture) {
			f.data = testBytes(100)
			write(t, f.root, "up", f.data)
		}, 0},
		"copy, the object is another": {"copy", func(t *testing.T, f *fixture) {
			f.data = testBytes(resumed + 1)
			f.o = f.store(t, "big", f.data)
		}, 0},
		"get, the object is another": {"get", func(t *testing.T, f *fixture) {
			f.data = bytes.Clone(f.data)
			f.data[0]++
			f.o = f.store(t, "big", f.data)
		}, 0},
		"put, the upload is aborted": {"put", func(t *testing.T, f *fixture) {
			u := upload{to: f.bucket(t, "target"), key: "x"}
			if err := u.abort(t.Context(), f.upload(t)); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"put, a part is another": {"put", func(t *testing.T, f *fixture) {
			if _, err := f.bucket(t, "target").Client.UploadPart(t.Context(), &s3.UploadPartInput{
				Bucket: aws.String("target"), Key: aws.String("x"), UploadId: aws.String(f.upload(t)), PartNumber: aws.Int32(1),
				Body: bytes.NewReader(testBytes(partSize)), ChecksumAlgorithm: "CRC64NVME",
			}); err != nil {
				t.Fatal(err)
			}
		}, partSize},
		"put, parts may not be listed": {"put", func(_ *testing.T, f *fixture) {
			f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "ListParts" {
					refuse(w, r, http.StatusForbidden, "AccessDenied")
					return
				}
				next(w, r)
			})
		}, 0},
		"put, the server cannot read the id": {"put", func(t *testing.T, f *fixture) {
			u := upload{to: f.bucket(t, "target"), key: "x"}
			if err := u.abort(t.Context(), f.upload(t)); err != nil {
				t.Fatal(err)
			}
			f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "ListParts" {
					refuse(w, r, http.StatusBadRequest, "InvalidArgument")
					return
				}
				next(w, r)
			})
		}, 0},
		"put, the upload ends while its parts are listed": {"put", func(t *testing.T, f *fixture) {
			u, id := upload{to: f.bucket(t, "target"), key: "x"}, f.upload(t)
			f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation != "ListParts" || r.URL.Query().Has("part-number-marker") {
					next(w, r)
					return
				}
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "max-parts=1000", "max-parts=1", 1)
				page := &holding{ResponseWriter: w}
				next(page, r)
				if err := u.abort(t.Context(), id); err != nil {
					t.Error(err)
				}
				page.release()
			})
		}, 0},
		"put, the journal has another sum": {"put", func(t *testing.T, f *fixture) { f.rewrite(t, wrongSum) }, partSize},
		"get, the journal has another sum": {"get", func(t *testing.T, f *fixture) { f.rewrite(t, wrongSum) }, partSize},
		"put, the journal ends in the middle": {"put", func(t *testing.T, f *fixture) {
			f.rewrite(t, func(text string) string { return text[:len(text)-5] })
		}, partSize},
		"put, the journal goes on": {"put", func(t *testing.T, f *fixture) {
			f.rewrite(t, func(text string) string { return text + "{}\nx\n" })
		}, 2 * partSize},
		"get, the unfinished file is shorter": {"get", func(t *testing.T, f *fixture) {
			if err := os.Truncate(filepath.Join(f.root.Name(), f.unfinished(t)), 100); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"get, the unfinished file is damaged": {"get", func(t *testing.T, f *fixture) {
			file, err := f.root.OpenFile(f.unfinished(t), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteAt([]byte("x"), partSize+7); err != nil {
				t.Fatal(err)
			}
		}, partSize},
		"get, the unfinished file is a link": {"get", func(t *testing.T, f *fixture) {
			name := f.unfinished(t)
			write(t, f.root, "victim", make([]byte, resumed))
			if err := f.root.Remove(name); err != nil {
				t.Fatal(err)
			}
			if err := f.root.Symlink("../victim", name); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"get, the unfinished file has another name": {"get", func(t *testing.T, f *fixture) {
			if err := f.root.Link(f.unfinished(t), "victim"); err != nil {
				t.Fatal(err)
			}
			write(t, f.root, "victim", make([]byte, resumed))
		}, 0},
		"get, the unfinished file is gone": {"get", func(t *testing.T, f *fixture) {
			if err := f.root.Remove(f.unfinished(t)); err != nil {
				t.Fatal(err)
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			try := fixtures()[c.try](f)
			f.cut(t, try)
			f.crash(t)
			c.change(t, f)
			r, err := try(t)
			f.whole(t, r, err, c.kept)
			if victim, err := f.root.ReadFile("victim"); err == nil && !bytes.Equal(victim, make([]byte, resumed)) {
				t.Error("another file was written to")
			}
			f.checkObject(t, c.try)
		})
	}
}

// checkObject checks what the transfer wrote.
func (f *fixture) checkObject(t *testing.T, try string) {
	t.Helper()
	name := "down/x"
	if try != "get" {
		name = "check"
		if _, err := Get(t.Context(), f.bucket(t, "target"), Object{Key: "x"}, f.root, name, GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.root.ReadFile(name); err != nil || !bytes.Equal(got, f.data) {
		t.Errorf("what was written differs: %v", err)
	}
}

// If the journal has consistent lies that S3 cannot disprove, no wrong object
// is made: the sum of the whole is refused, and the next attempt starts again.
func TestResumeLies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.copy)
	f.rewrite(t, wrongSum)
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "ListParts" {
			w = &without{w, regexp.MustCompile(`<ChecksumCRC64NVME>[^<]*</ChecksumCRC64NVME>`)}
		}
		next(w, r)
	})
	_, err := f.copy(t)
	if err == nil {
		t.Fatal("a wrong sum was taken")
	}
	f.clean(t)
	r, err := f.copy(t)
	f.whole(t, r, err, 0)
	f.checkObject(t, "copy")
}

// without removes something from an answer.
type without struct {
	http.ResponseWriter
	what *regexp.Regexp
}

func (w *without) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w *without) Write(p []byte) (int, error) {
	_, err := w.ResponseWriter.Write(w.what.ReplaceAll(p, nil))
	return len(p), err
}

// The process ends after S3 completed the upload, before that is recorded.
func TestResumeCompleted(t *testing.T) {
	t.Parallel()
	for _, overwrite := range []bool{false, true} {
		f := newFixture(t)
		put := func() (Result, error) {
			return Put(t.Context(), f.bucket(t, "target"), "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: f.j, Overwrite: overwrite})
		}
		if _, err := put(); err != nil {
			t.Fatal(err)
		}
		f.rewrite(t, func(text string) string { // without its last line
			return text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1]
		})
		before := f.count("UploadPart")
		if r, err := put(); err != nil || !r.Already || f.count("UploadPart") != before {
			t.Errorf("overwrite %v: %+v, %v", overwrite, r, err)
		}
		f.clean(t)
	}
}

// An object that another process recorded as done is looked up.
func TestResumeDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		try     string
		change  func(*testing.T, *fixture)
		earlier bool
		kind    Kind
	}{
		"put":                     {"put", nil, true, ""},
		"copy":                    {"copy", nil, true, ""},
		"get":                     {"get", nil, true, ""},
		"put, the object is gone": {"put", func(t *testing.T, f *fixture) { f.remove(t, "target", "x") }, false, ""},
		"put, the object is another with the same bytes": {"put", func(t *testing.T, f *fixture) {
			if err := f.PutObject("target", "x", bytes.NewReader(f.data)); err != nil {
				t.Fatal(err)
			}
		}, true, ""},
		"put, the object is another": {"put", func(t *testing.T, f *fixture) {
			if err := f.PutObject("target", "x", bytes.NewReader(append(f.data[1:len(f.data):len(f.data)], 1))); err != nil {
				t.Fatal(err)
			}
		}, false, Exists},
		"put, the file is another": {"put", func(t *testing.T, f *fixture) {
			if err := f.root.Chtimes("up", time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, false, ""},
		"put, the file is another of the same time": {"put", func(t *testing.T, f *fixture) {
			f.forge(t, "up")
		}, false, Exists},
		"get, the file is another of the same time": {"get", func(t *testing.T, f *fixture) {
			data := f.data
			f.forge(t, "down/x")
			f.data = data
		}, false, ""},
		"get, the file is gone": {"get", func(t *testing.T, f *fixture) {
			if err := f.root.Remove("down/x"); err != nil {
				t.Fatal(err)
			}
		}, false, ""},
		"get, the file is written to": {"get", func(t *testing.T, f *fixture) {
			write(t, f.root, "down/x", make([]byte, len(f.data)))
		}, false, ""},
		"get, the file is a link": {"get", func(t *testing.T, f *fixture) {
			if err := f.root.Remove("down/x"); err != nil {
				t.Fatal(err)
			}
			if err := f.root.Symlink("../up", "down/x"); err != nil {
				t.Fatal(err)
			}
		}, false, BadFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{100, multipartFrom} {
				f := newFixture(t)
				f.data = testBytes(size)
				f.o = f.store(t, "big", f.data)
				write(t, f.root, "up", f.data)
				try := fixtures()[c.try](f)
				if r, err := try(t); err != nil || r.Earlier {
					t.Fatal(r, err)
				}
				f.crash(t)
				if c.change != nil {
					c.change(t, f)
				}
				r, err := try(t)
				if c.kind != "" {
					wantKind(t, err, c.kind)
					return
				}
				if err != nil || r.Earlier != c.earlier || r.Bytes != int64(size) {
					t.Errorf("%d: %+v, %v", size, r, err)
				}
				f.clean(t)
				f.checkObject(t, c.try)
			}
		})
	}
}

// If the journal names an upload of another object, that upload is not touched.
func TestResumeForeign(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.put)
	other, err := f.bucket(t, "target").Client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String("target"), Key: aws.String("other"),
	})
	if err != nil {
		t.Fatal(err)
	}
	own := f.Uploads("target")[0].ID
	if own == *other.UploadId {
		own = f.Uploads("target")[1].ID
	}
	f.rewrite(t, func(text string) string { return strings.ReplaceAll(text, own, *other.UploadId) })
	if r, err := f.put(t); err != nil || r.Kept != 0 {
		t.Error(r, err)
	}
	f.checkObject(t, "put")
	if left := f.Uploads("target"); len(left) != 2 {
		t.Error("there are the uploads ", left)
	}
}
