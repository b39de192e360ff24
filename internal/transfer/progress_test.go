package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/internal/journal"
)

// unreliable fails one request in three, in every way that a server or the
// network can: it refuses, breaks off the request's body or the answer's, or
// carries out the request and loses the answer.
type unreliable struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (u *unreliable) tamper(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
	u.mu.Lock()
	how, after := u.rng.IntN(12), 1+u.rng.Int64N(1<<u.rng.IntN(23))
	u.mu.Unlock()
	switch how {
	case 0:
		refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
	case 1:
		http.MaxBytesReader(w, r.Body, after).Read(make([]byte, after)) //nolint:errcheck // it is cut anyway
		panic(http.ErrAbortHandler)
	case 2:
		next(&cutWriter{w, after}, r)
	case 3:
		next(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		next(w, r)
	}
}

// cutWriter breaks off after a number of bytes.
type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		c.ResponseWriter.Write(p[:int64(len(p))+c.left]) //nolint:errcheck // it is cut anyway
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

// Whatever fails, the progress of a transfer that succeeds is exactly the
// object's size, in one attempt or in the last of several.
func TestProgressIsExact(t *testing.T) {
	t.Parallel()
	for i, size := range []int{0, 1, ioBuffer + 1, 3 * mib, multipartFrom + 1} {
		for seed := range 2 {
			t.Run(fmt.Sprint(size, "/", seed), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				data := testBytes(size)
				o := s.store(t, "from", data)
				root := newRoot(t)
				write(t, root, "up", data)
				from, to := s.bucket(t, "origin"), s.bucket(t, "target")
				for _, b := range []Bucket{from, to} {
					b.Client.wire.retryer.(*retryer).base = time.Millisecond //nolint:forcetypeassert // it is no other
				}
				s.setTamper((&unreliable{rng: rand.New(rand.NewPCG(uint64(seed), uint64(i)))}).tamper)
				j := journal.New()
				for _, op := range []string{"get", "put", "copy"} {
					for try := 1; ; try++ {
						var told atomic.Int64
						put := PutOptions{Marker: "m", Journal: j, Progress: func(n int64) {
							if now := told.Add(n); n <= 0 || now > int64(size) {
								t.Errorf("%s told of %d and so of %d of %d bytes", op, n, now, size)
							}
						}}
						var err error
						switch op {
						case "get":
							_, err = Get(t.Context(), from, o, root, "down", GetOptions{Journal: j, Progress: put.Progress})
						case "put":
							_, err = Put(t.Context(), to, "put", root, "up", put)
						case "copy":
							_, err = Copy(t.Context(), from, o, to, "copy", put)
						}
						if err == nil && told.Load() == int64(size) {
							break
						}
						if err == nil || try == 10 {
							t.Fatalf("%s told of %d of %d bytes in try %d, %v", op, told.Load(), size, try, err)
						}
					}
				}
				s.setTamper(nil)
				for _, key := range []string{"put", "copy"} {
					if _, err := Get(t.Context(), to, Object{Key: key}, root, key, GetOptions{}); err != nil {
						t.Error(err)
					}
				}
				for _, name := range []string{"down", "put", "copy"} {
					if got, err := os.ReadFile(root.Name() + "/" + name); err != nil || !bytes.Equal(got, data) {
						t.Errorf("%s: %d bytes came, %v", name, len(got), err)
					}
				}
			})
		}
	}
}

// scripted breaks off each attempt at a part after the given number of bytes,
// and accepts the one after those.
type scripted struct{ breaks []int64 }

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Etag": {`"e"`}}, Body: http.NoBody}
	if len(s.breaks) == 0 {
		_, err := io.Copy(io.Discard, r.Body)
		return answer, err
	}
	after := s.breaks[0]
	s.breaks = s.breaks[1:]
	if _, err := io.CopyN(io.Discard, r.Body, after); err != nil {
		return nil, err
	}
	return nil, syscall.ECONNRESET
}

// The bytes of a part are reported while they are sent, and none twice,
// wherever and however often it breaks off.
func TestPartIsReportedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 100_000).Draw(t, "size")
		breaks := rapid.SliceOfN(rapid.Int64Range(0, size), 0, attempts).Draw(t, "breaks")
		client := NewClient(ClientOptions{
			Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
			Endpoint:    "http://test", HTTP: &scripted{breaks},
		})
		client.wire.retryer.(*retryer).base = 1 //nolint:forcetypeassert // it is no other
		var told int64
		u := upload{
			to: Bucket{Client: client, Name: "target", NoChecksums: true}, key: "x", size: size,
			options: PutOptions{Progress: func(n int64) { told += n }},
			open: func(context.Context, span) content {
				return memoryContent{Reader: bytes.NewReader(make([]byte, size))}
			},
		}
		_, err := u.sendPart(t.Context(), "id", 1, span{0, size})
		want := size
		if len(breaks) == attempts {
			want = slices.Max(breaks)
		}
		if (err == nil) != (len(breaks) < attempts) || told != want {
			t.Fatalf("told of %d bytes, not %d: %v", told, want, err)
		}
	})
}

// If a part is refused, the copy is not written again from the start, whether
// bytes of the part were reported or not.
func TestCopyPartRefused(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"before its body": false, "after its body": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			from, to := s.bucket(t, "origin"), s.bucket(t, "target")
			o := s.store(t, "x", testBytes(multipartFrom))
			if err := Tag(t.Context(), from, "x", map[string]string{"team": "media"}); err != nil {
				t.Fatal(err)
			}
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation != "UploadPart" {
					next(w, r)
					return
				}
				if taken {
					io.Copy(io.Discard, r.Body) //nolint:errcheck // the other part's refusal may cut it
				}
				refuse(w, r, http.StatusForbidden, "AccessDenied")
			})
			var told counter
			_, err := Copy(t.Context(), from, o, to, "y", PutOptions{Progress: told.add})
			wantKind(t, err, Denied)
			if n := s.count("CreateMultipartUpload"); n != 1 || (told.total() > 0) != taken || told.total() > multipartFrom {
				t.Errorf("%d uploads were begun, and %d bytes told of", n, told.total())
			}
			noUploads(t, to)
		})
	}
}
