package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minio/crc64nvme"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// At any time some parts move, and never too many.
func TestPaceBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		most := rapid.IntRange(firstParts, mostObjects).Draw(t, "most")
		p := newPace(firstParts, most, now)
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "took")))
			if rapid.IntRange(0, 9).Draw(t, "trouble") == 0 {
				p.slower(now)
			} else {
				p.moved(rapid.IntRange(1, multipartSlots).Draw(t, "places"), rapid.Int64Range(0, maxPartSize).Draw(t, "bytes"), now)
			}
			if p.limit < 1 || p.limit > most {
				t.Fatalf("%d parts", p.limit)
			}
		}
	})
}

// More parallel parts are kept if they add to the rate, and dropped if they
// share it, apart from a new attempt now and then. Retries halve them.
func TestPace(t *testing.T) {
	t.Parallel()
	// run returns the parts at the end, and how many of all moved with more than
	// at first.
	run := func(took func(parts int) time.Duration) (parts, more int) {
		now := time.Unix(0, 0)
		p := newPace(firstParts, mostParts, now)
		for range 1000 {
			now = now.Add(took(p.limit))
			if p.limit > firstParts {
				more++
			}
			p.moved(1, partSize, now)
		}
		return p.limit, more
	}
	if n, _ := run(func(parts int) time.Duration { return time.Second / time.Duration(parts) }); n != mostParts {
		t.Errorf("%d parts where each adds", n)
	}
	if _, more := run(func(int) time.Duration { return time.Millisecond }); more != 4*firstParts {
		t.Errorf("%d parts were moved with more than at first where they share", more)
	}
	if _, more := run(func(int) time.Duration { return 100 * time.Millisecond }); more < 8*4*firstParts || more > 200 {
		t.Errorf("%d parts were moved with more than at first where they share for minutes", more)
	}
	// The distance may change in either direction.
	began := time.Unix(0, 0)
	now, p := began, newPace(firstParts, mostParts, began)
	for now.Sub(began) < time.Minute {
		took := 100 * time.Millisecond
		if now.Sub(began) > 20*time.Second {
			took /= time.Duration(p.limit)
		}
		now = now.Add(took)
		p.moved(1, partSize, now)
	}
	if p.limit != mostParts {
		t.Errorf("%d parts where each adds since a while", p.limit)
	}
	p = newPace(firstParts, mostParts, began)
	p.slower(time.Unix(1, 0))
	if p.limit != firstParts/2 {
		t.Errorf("%d parts after trouble", p.limit)
	}
}

func TestEachPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans, w := make([]span, 100), &wire{}
		var now, most, done atomic.Int64
		work := func(context.Context, int) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second) // of the bubble's fake clock
			now.Add(-1)
			done.Add(1)
			return nil
		}
		if err := eachPart(t.Context(), spans, w, work); err != nil || done.Load() != 100 || most.Load() > mostParts {
			t.Errorf("%v, %d done, %d at once", err, done.Load(), most.Load())
		}
		broken := errors.New("broken")
		done.Store(0)
		err := eachPart(t.Context(), spans, w, func(ctx context.Context, i int) error {
			if i == 5 {
				return broken
			}
			return work(ctx, i)
		})
		if !errors.Is(err, broken) || done.Load() > mostParts {
			t.Errorf("%v, %d done", err, done.Load())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := eachPart(ctx, spans, w, work); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// All transfers that share a memory stay below its limit.
func TestMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewLimits(3*streamCost + 1)
		var now, most atomic.Int64
		done := make(chan error)
		for range 20 {
			go func() {
				err := m.acquire(t.Context())
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second) // of the bubble's fake clock
				now.Add(-1)
				m.release()
				done <- err
			}()
		}
		for range 20 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 3 {
			t.Errorf("%d streams at once", most.Load())
		}
		least := NewLimits(0)
		if err := least.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := least.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// With room for one stream, everything still makes progress.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	memory := NewLimits(0)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	from.Client.wire.limits, to.Client.wire.limits = memory, memory
	root := newRoot(t)
	for _, size := range []int{100, ioBuffer + 1, multipartFrom + 1} {
		key := strconv.Itoa(size)
		o := s.store(t, key, testBytes(size))
		for i, step := range []func() (Result, error){
			func() (Result, error) { return Get(t.Context(), from, o, root, key, GetOptions{}) },
			func() (Result, error) { return Put(t.Context(), to, key, root, key, PutOptions{Marker: "m"}) },
			func() (Result, error) { return Copy(t.Context(), from, o, to, key, PutOptions{Marker: "m"}) },
		} {
			if r, err := step(); err != nil || r.CRC64 != crc64nvme.Checksum(testBytes(size)) || r.Already != (i == 2) {
				t.Errorf("step %d of %d bytes: %+v, %v", i, size, r, err)
			}
		}
	}
}

// However many transfers share a memory, no more of them move at once than
// there is room for.
func TestSharedMemory(t *testing.T) {
	t.Parallel()
	const streams = 8 * mib / streamCost
	s, memory := newServer(t), NewLimits(8*mib)
	var reading, writing gauge
	client := func(name string) Bucket {
		b := s.bucket(t, name)
		b.Client.wire.limits = memory
		next := b.Client.wire.http.next
		b.Client.wire.http.next = doer(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				defer writing.enter()()
				return next.Do(r)
			}
			ebb := reading.enter()
			resp, err := next.Do(r)
			if err != nil {
				ebb()
				return nil, err
			}
			resp.Body = &gaugedBody{resp.Body, sync.OnceFunc(ebb)}
			return resp, nil
		})
		return b
	}
	root := newRoot(t)
	var objects []Object
	for i := range 20 {
		key, data := strconv.Itoa(i), testBytes(ioBuffer+i)
		if i == 0 {
			data = testBytes(3 * multipartFrom)
		}
		objects = append(objects, s.store(t, key, data))
		write(t, root, "up/"+key, data)
	}
	from, to := client("origin"), client("target")
	var g errgroup.Group
	for _, move := range []func(context.Context, Object) error{
		func(ctx context.Context, o Object) error {
			_, err := Get(ctx, from, o, root, "down/"+o.Key, GetOptions{})
			return err
		},
		func(ctx context.Context, o Object) error {
			_, err := Put(ctx, to, "put/"+o.Key, root, "up/"+o.Key, PutOptions{})
			return err
		},
		func(ctx context.Context, o Object) error {
			_, err := Copy(ctx, from, o, to, "copied/"+o.Key, PutOptions{})
			return err
		},
	} {
		g.Go(func() error {
			all := func(yield func(Object, error) bool) {
				for _, o := range objects {
					if !yield(o, nil) {
						return
					}
				}
			}
			return Each(t.Context(), all, func(o Object) int64 { return o.Size }, move)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if r, w := reading.most.Load(), writing.most.Load(); max(r, w) > streams || max(r, w) < 2 {
		t.Errorf("%d were read and %d written at once, with room for %d", r, w, streams)
	}
}

// gauge counts what is in use, and keeps the maximum.
type gauge struct{ now, most atomic.Int64 }

func (d *gauge) enter() (leave func()) {
	now := d.now.Add(1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	return func() { d.now.Add(-1) }
}

type gaugedBody struct {
	io.ReadCloser
	ebb func()
}

func (b *gaugedBody) Close() error {
	b.ebb()
	return b.ReadCloser.Close()
}
