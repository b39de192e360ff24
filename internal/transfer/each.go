package transfer

import (
	"context"
	"iter"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// How an object counts toward the limit of parallel objects.
const (
	multipartSlots = 8       // it has parallel parts of its own
	waitBytes      = 2 * mib // roughly what could have moved while it waited for its answer
)

// Each calls do for every item, several at a time. It runs more of them while
// that is faster, and fewer of those that move in parts. The first error, of an
// item or of the sequence, cancels the others; Each returns it after all have
// ended.
func Each[T any](ctx context.Context, items iter.Seq2[T, error], size func(T) int64, do func(context.Context, T) error) error {
	g, gctx := errgroup.WithContext(ctx)
	l := newLimiter(firstObjects, maxOpenObjects(), new(atomic.Int64)) // no retries are counted: Rates slows down
	defer context.AfterFunc(gctx, l.wake)()
	type sized struct {
		item  T
		slots int
		bytes int64
	}
	// Goroutines are reused: starting one for each item would cost a small
	// object a good part of its time.
	work, idle := make(chan sized), make(chan struct{}, mostObjects)
	worker := func() error {
		for next := range work {
			if err := Safely(func() error { return do(gctx, next.item) }); err != nil {
				return err // the slots stay taken, which does not matter after an error
			}
			idle <- struct{}{} // before the slots are free, so that there are never more workers than slots
			l.release(next.slots, next.bytes+waitBytes)
		}
		return nil
	}
	give := func(item T) bool {
		next := sized{item, 1, size(item)}
		if next.bytes >= multipartFrom {
			next.slots = multipartSlots
		}
		if !l.acquire(gctx, next.slots) {
			return false
		}
		select {
		case <-idle:
		default:
			g.Go(worker)
		}
		select {
		case work <- next:
		case <-gctx.Done():
		}
		return true
	}
	// A panic of the sequence must not leave the workers waiting.
	err := Safely(func() error {
		for item, err := range items {
			if err != nil {
				return err
			}
			if !give(item) {
				break
			}
		}
		return nil
	})
	if err != nil {
		g.Go(func() error { return err })
	}
	close(work)
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
