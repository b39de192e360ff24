package transfer

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/workdir"
)

// A transfer fails, or its process dies, at each request in turn. Then it
// resumes, with another journal of the same file, and succeeds.
func TestResumeAnywhere(t *testing.T) {
	t.Parallel()
	const size = 2*partSize + 5 // three parts
	for name, c := range map[string]struct {
		do    func(context.Context, Bucket, Bucket, Object, *os.Root, *journal.Journal, *counter) (Result, error)
		part  string
		check string // the file
	}{
		"put": {func(ctx context.Context, _, to Bucket, _ Object, root *os.Root, j *journal.Journal, told *counter) (Result, error) {
			return Put(ctx, to, "x", root, "up", PutOptions{Marker: "job-1/0", Journal: j, Progress: told.add})
		}, "UploadPart", ""},
		"copy": {func(ctx context.Context, from, to Bucket, o Object, _ *os.Root, j *journal.Journal, told *counter) (Result, error) {
			return Copy(ctx, from, o, to, "x", PutOptions{Marker: "job-1/0", Journal: j, Progress: told.add})
		}, "UploadPart", ""},
		"get": {func(ctx context.Context, from, _ Bucket, o Object, root *os.Root, j *journal.Journal, told *counter) (Result, error) {
			return Get(ctx, from, o, root, "down/x", GetOptions{Marker: "job-1/0", Journal: j, Progress: told.add})
		}, "GetObject", "down/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			data := testBytes(size)
			o := s.store(t, "big", data)
			for n := int64(1); ; n++ {
				root := newRoot(t)
				write(t, root, "up", data)
				var left atomic.Int64
				var refused atomic.Value // operation
				left.Store(n)
				s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
					if left.Add(-1) <= 0 {
						refused.Store(operation)
						refuse(w, r, http.StatusForbidden, "AccessDenied")
						return
					}
					next(w, r)
				})
				j := openJournal(t, root)
				_, err := c.do(t.Context(), s.bucket(t, "origin"), s.bucket(t, "target"), o, root, j, new(counter))
				s.setTamper(nil)
				crash(t, j)
				if left.Load() > 0 {
					break // it needs fewer requests
				}
				if err == nil && refused.Load() == "GetObjectTagging" {
					break // what is asked after the copy may fail
				}
				if err == nil {
					t.Fatalf("%d: it did not fail", n)
				}
				j = openJournal(t, root)
				if !j.Resumed() {
					t.Error("the journal is a new one")
				}
				noted := partsNoted(root)
				var moved atomic.Int64
				var told counter
				s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
					if operation == c.part && strings.Contains(r.Header.Get("User-Agent"), "rolecall/again") {
						moved.Add(1) // a part that broke off may still arrive
					}
					next(w, r)
				})
				r, err := c.do(t.Context(), s.again(t, "origin"), s.again(t, "target"), o, root, j, &told)
				if err != nil || r.Bytes != size {
					t.Fatalf("%d: %+v, %v", n, r, err)
				}
				if moved.Load() != int64(3-noted) || told.total() != size {
					t.Errorf("%d: %d of 3 parts were moved after %d, %d bytes told", n, moved.Load(), noted, told.total())
				}
				again, err := c.do(t.Context(), s.bucket(t, "origin"), s.bucket(t, "target"), o, root, j, new(counter))
				if err != nil || !again.Earlier || again.CRC64 != r.CRC64 {
					t.Errorf("%d: once more: %+v, %v", n, again, err)
				}
				if err := j.Remove(); err != nil {
					t.Error(err)
				}
				if c.check != "" {
					if got, err := root.ReadFile(c.check); err != nil || !bytes.Equal(got, data) {
						t.Errorf("%d: the file differs: %v", n, err)
					}
				}
				for _, name := range files(t, root) {
					if workdir.IsTemporary(name) || strings.HasPrefix(name, ".rolecall") {
						t.Errorf("%d: left %s", n, name)
					}
				}
				if up := s.Uploads("target"); len(up) > 0 {
					t.Errorf("%d: left %v", n, up)
				}
				if c.check == "" {
					if got, err := Head(t.Context(), s.bucket(t, "target"), "x"); err != nil || got.Size != size {
						t.Errorf("%d: %+v, %v", n, got, err)
					}
					s.remove(t, "target", "x")
				}
			}
		})
	}
}

func (s *server) remove(t *testing.T, bucket, key string) {
	t.Helper()
	_, err := s.bucket(t, bucket).Client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
}

// again returns the bucket for the second attempt.
func (s *server) again(t *testing.T, name string) Bucket {
	b := s.bucket(t, name)
	b.Client.wire.agent += " rolecall/again"
	return b
}
