package transfer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counter adds up the reported progress.
type counter struct{ n atomic.Int64 }

func (c *counter) add(n int64)  { c.n.Add(n) }
func (c *counter) total() int64 { return c.n.Load() }

// As many objects move in parallel as is worth it, and fewer of those in parts.
func TestEach(t *testing.T) {
	t.Parallel()
	open := int64(maxOpenObjects())
	for name, c := range map[string]struct {
		size        int64
		took        func(now int64) time.Duration
		first, most int64 // at once
	}{
		"small, far":  {4 << 10, func(int64) time.Duration { return 100 * time.Millisecond }, firstObjects, open},
		"small, near": {4 << 10, func(now int64) time.Duration { return time.Duration(now) * time.Millisecond }, firstObjects, min(2*firstObjects, open)},
		"large, far": {
			multipartFrom, func(int64) time.Duration { return time.Second },
			firstObjects / multipartSlots, open / multipartSlots,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now, most, done atomic.Int64
				sizes := func(yield func(int64, error) bool) {
					for range 4000 {
						if !yield(c.size, nil) {
							return
						}
					}
				}
				err := Each(t.Context(), sizes, func(n int64) int64 { return n }, func(context.Context, int64) error {
					n := now.Add(1)
					for before := most.Load(); n > before && !most.CompareAndSwap(before, n); before = most.Load() {
					}
					if done.Add(1) == c.first && most.Load() > c.first {
						t.Errorf("%d at once from the beginning", most.Load())
					}
					time.Sleep(c.took(n)) // of the bubble's fake clock
					now.Add(-1)
					return nil
				})
				if err != nil || done.Load() != 4000 || most.Load() != c.most {
					t.Errorf("%v, %d done, %d at once", err, done.Load(), most.Load())
				}
			})
		})
	}
}

func TestEachFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, items := range map[string]func(yield func(int, error) bool){
		"item": func(yield func(int, error) bool) {
			for i := 0; yield(i, nil); i++ {
			}
		},
		"sequence": func(yield func(int, error) bool) { _ = yield(0, nil) && yield(0, broken) },
	} {
		err := Each(t.Context(), items, func(int) int64 { return 1 << 50 }, func(_ context.Context, i int) error {
			if i == 3 {
				return broken
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Each(ctx, func(yield func(int, error) bool) { yield(1, nil) }, func(int) int64 { return -1 },
		func(context.Context, int) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
