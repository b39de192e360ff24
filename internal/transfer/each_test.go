package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// counter adds up what progress reports.
type counter struct{ n atomic.Int64 }

func (c *counter) add(n int64)  { c.n.Add(n) }
func (c *counter) total() int64 { return c.n.Load() }

func TestEach(t *testing.T) {
	t.Parallel()
	sizes := func(yield func(int64, error) bool) {
		for i := range 200 {
			if !yield(int64(i%40)*mib, nil) {
				return
			}
		}
	}
	var mu sync.Mutex
	var now, most, done int64
	err := Each(t.Context(), sizes, func(n int64) int64 { return n }, func(_ context.Context, n int64) error {
		mu.Lock()
		now += n
		most = max(most, now)
		done++
		mu.Unlock()
		mu.Lock()
		now -= n
		mu.Unlock()
		return nil
	})
	if err != nil || done != 200 || most > 40*mib {
		t.Errorf("%v, %d done, %d bytes at once", err, done, most)
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
