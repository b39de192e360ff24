package transfer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// unreliable fails one request in three, in every way that a server or the
// network has: it refuses, breaks off the request's body or the answer's, or
// does what is asked and loses the answer.
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

// cutWriter breaks off after some bytes.
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

// Whatever fails on the way, the progress of a transfer that ends well is the
// object's size, to the byte, in one try or the last of several.
func TestProgressIsExact(t *testing.T) {
	t.Parallel()
	for i, size := range []int{0, 1, ioBuffer + 1, 3 * mib, inParts + 1} {
		for seed := range 2 {
			t.Run(fmt.Sprint(size, "/", seed), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				data := noise(size)
				o := s.have(t, "from", data)
				root := newRoot(t)
				write(t, root, "up", data)
				from, to := s.bucket(t, "origin"), s.bucket(t, "target")
				for _, b := range []Bucket{from, to} {
					b.Client.wire.retryer.(*retryer).base = time.Millisecond //nolint:forcetypeassert // it is no other
				}
				s.meddle((&unreliable{rng: rand.New(rand.NewPCG(uint64(seed), uint64(i)))}).tamper)
				journal := NewJournal()
				for _, op := range []string{"get", "put", "copy"} {
					for try := 1; ; try++ {
						var told atomic.Int64
						put := PutOptions{Marker: "m", Journal: journal, Progress: func(n int64) { told.Add(n) }}
						var err error
						switch op {
						case "get":
							_, err = Get(t.Context(), from, o, root, "down", GetOptions{Journal: journal, Progress: put.Progress})
						case "put":
							_, err = Put(t.Context(), to, "put", root, "up", put)
						case "copy":
							_, err = Copy(t.Context(), from, o, to, "copy", put)
						}
						if err == nil && told.Load() == int64(size) {
							break
						}
						if err == nil || told.Load() > int64(size) || try == 10 {
							t.Fatalf("%s told of %d of %d bytes in try %d, %v", op, told.Load(), size, try, err)
						}
					}
				}
				s.meddle(nil)
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
