package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A source that changes while it is read is an error and leaves nothing, since
// a mixture of two versions would be neither. A version that is named does not
// change, whatever is written after it.
func TestSourceChanges(t *testing.T) {
	t.Parallel()
	other := func(n int) []byte {
		data := testBytes(n)
		data[0]++
		return data
	}
	remove := func(ctx context.Context, s *server, b Bucket, n int) error {
		_, err := b.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Name, Key: aws.String("x")})
		return err
	}
	replace := func(with func(int) []byte) func(context.Context, *server, Bucket, int) error {
		return func(_ context.Context, s *server, b Bucket, n int) error {
			return s.PutObject(b.Name, "x", bytes.NewReader(with(n)))
		}
	}
	for name, c := range map[string]struct {
		change func(ctx context.Context, s *server, b Bucket, n int) error
		bucket string
		named  bool
		kinds  []Kind // none: it goes well
	}{
		"other bytes":              {replace(other), "origin", false, []Kind{Changed}},
		"longer":                   {replace(func(n int) []byte { return testBytes(n + 1) }), "origin", false, []Kind{Changed}},
		"empty":                    {replace(func(int) []byte { return nil }), "origin", false, []Kind{Changed}},
		"deleted":                  {remove, "origin", false, []Kind{NotFound}},
		"another version":          {replace(other), "versions", false, []Kind{Changed}},
		"a delete marker":          {remove, "versions", false, []Kind{NotFound}},
		"another than the named":   {replace(other), "versions", true, nil},
		"the named is not current": {remove, "versions", true, nil},
	} {
		for op, do := range map[string]func(context.Context, Bucket, Object, Bucket, *os.Root) error{
			"get": func(ctx context.Context, from Bucket, o Object, _ Bucket, root *os.Root) error {
				_, err := Get(ctx, from, o, root, "x", GetOptions{})
				return err
			},
			"copy": func(ctx context.Context, from Bucket, o Object, to Bucket, _ *os.Root) error {
				_, err := Copy(ctx, from, o, to, "x", PutOptions{})
				return err
			},
		} {
			for _, size := range []int{3 * mib, 3 * partSize} { // in one stream that breaks, and in parts
				t.Run(fmt.Sprintf("%s %d %s", op, size, name), func(t *testing.T) {
					t.Parallel()
					s := newServer(t)
					if err := s.PutObject(c.bucket, "x", bytes.NewReader(testBytes(size))); err != nil {
						t.Fatal(err)
					}
					from, root := s.bucket(t, c.bucket), newRoot(t)
					o, err := Head(t.Context(), from, "x")
					if err != nil {
						t.Fatal(err)
					}
					if c.named {
						out, err := from.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &from.Name, Key: aws.String("x")})
						if err != nil {
							t.Fatal(err)
						}
						o.VersionID = *out.VersionId
					}
					s.setTamper(onceInTheMiddle(func() {
						if err := c.change(context.WithoutCancel(t.Context()), s, from, size); err != nil { // the transfer may end before it does
							t.Error(err)
						}
					}))
					err = do(t.Context(), from, o, s.bucket(t, "target"), root)
					s.setTamper(nil)
					if c.kinds == nil {
						if err != nil {
							t.Fatal(err)
						}
						var got bytes.Buffer
						if op == "copy" {
							err = s.ReadObject("target", "x", &got)
						} else {
							var data []byte
							data, err = root.ReadFile("x")
							got.Write(data)
						}
						if err != nil || !bytes.Equal(got.Bytes(), testBytes(size)) {
							t.Error("it is not what was named", err)
						}
						return
					}
					wantKind(t, err, c.kinds[0])
					empty(t, root)
					if len(s.Objects("target"))+len(s.Uploads("target")) > 0 {
						t.Error("something is left")
					}
				})
			}
		}
	}
}

// onceInTheMiddle breaks the first answer that has an object in the middle,
// after it has called do.
func onceInTheMiddle(do func()) tamper {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		first := false
		if operation == "GetObject" {
			once.Do(func() { first = true })
		}
		if !first {
			next(w, r)
			return
		}
		defer func() {
			broken := recover()
			do()
			if broken != nil { // nil: the object is shorter
				panic(broken)
			}
		}()
		next(&cutter{w, mib}, r)
	}
}

// A file that is written to while it is read is an error too, in one piece and
// in parts. If it is replaced, the open one is read on.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*os.Root) error
		kind   Kind
	}{
		"other bytes": {func(root *os.Root) error {
			f, err := root.OpenFile("x", os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte("other"), 2*mib)
				err = errors.Join(err, f.Close())
			}
			// The file system's clock may be too coarse for the test.
			return errors.Join(err, root.Chtimes("x", time.Time{}, time.Now().Add(time.Second)))
		}, Changed},
		"longer":  {func(root *os.Root) error { return appendTo(root, "x") }, Changed},
		"empty":   {func(root *os.Root) error { return root.WriteFile("x", nil, 0o600) }, Changed},
		"removed": {func(root *os.Root) error { return root.Remove("x") }, ""},
		"replaced": {func(root *os.Root) error {
			return errors.Join(root.WriteFile("y", []byte("other"), 0o600), root.Rename("y", "x"))
		}, ""},
	} {
		for _, size := range []int{3 * mib, multipartFrom + 1} {
			t.Run(fmt.Sprintf("%d %s", size, name), func(t *testing.T) {
				t.Parallel()
				s, root := newServer(t), newRoot(t)
				write(t, root, "x", testBytes(size))
				var once sync.Once
				s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
					if operation == "UploadPart" || operation == "PutObject" {
						once.Do(func() {
							if err := c.change(root); err != nil {
								t.Error(err)
							}
						})
					}
					next(w, r)
				})
				_, err := Put(t.Context(), s.bucket(t, "target"), "x", root, "x", PutOptions{})
				var got bytes.Buffer
				switch {
				case c.kind != "":
					wantKind(t, err, c.kind)
					if len(s.Objects("target"))+len(s.Uploads("target")) > 0 {
						t.Error("something is left")
					}
				case err != nil || s.ReadObject("target", "x", &got) != nil || !bytes.Equal(got.Bytes(), testBytes(size)):
					t.Error("it is not the file that was opened", err)
				}
			})
		}
	}
}

func appendTo(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("more")
	return errors.Join(err, f.Close())
}

// What has the ETag that was listed has not changed: a server that sends another
// length is at fault, and is not asked again.
func TestLengthsUnderOneETag(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 5, multipartFrom} {
		for _, sent := range []int{0, 3, 5, 10, multipartFrom + 1} {
			for _, tag := range []string{`"e"`, "", `"other"`} {
				want := Malformed
				switch {
				case tag == `"other"`:
					want = Changed
				case sent == size:
					continue
				}
				asked := 0
				b := doer(func(r *http.Request) (*http.Response, error) {
					asked++
					body := bytes.NewReader(make([]byte, sent))
					if r.Method == http.MethodHead {
						body.Reset(nil)
					}
					resp := answer(r, http.StatusOK, body, sent)
					resp.Header.Del("ETag")
					if tag != "" {
						resp.Header.Set("ETag", tag)
					}
					return resp, nil
				}).bucket()
				root := newRoot(t)
				o := Object{Key: "k", Size: int64(size), ETag: `"e"`}
				_, err := Get(t.Context(), b, o, root, "k", GetOptions{})
				if got := KindOf(err); got != want || asked != 1 {
					t.Errorf("%d bytes of %d under %s: %s after %d requests, want %s: %v", sent, size, tag, got, asked, want, err)
				}
				empty(t, root)
				asked = 0
				_, err = Copy(t.Context(), b, o, b, "to", PutOptions{Overwrite: true})
				if got := KindOf(err); got != want || asked != 1 {
					t.Errorf("copy, %d bytes of %d under %s: %s after %d requests, want %s: %v", sent, size, tag, got, asked, want, err)
				}
			}
		}
	}
}
