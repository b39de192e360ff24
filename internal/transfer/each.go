package transfer

import (
	"context"
	"iter"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// What an object takes of the places that there are for objects.
const (
	placesInParts = 8       // it has parts side by side by itself
	worthOfOne    = 2 * mib // what could have moved while it waited for its answer, or so
)

// Each does something for every item, several at a time: more while that is
// faster, and fewer of those that move in parts. The first error, of an item or
// of the sequence, cancels the others and is what it gives after all have ended.
func Each[T any](ctx context.Context, items iter.Seq2[T, error], size func(T) int64, do func(context.Context, T) error) error {
	g, gctx := errgroup.WithContext(ctx)
	f := newFlight(objectsAtFirst, objectsOpen(), new(atomic.Int64)) // Rates slows down
	defer context.AfterFunc(gctx, f.wake)()
	type sized struct {
		item   T
		places int
		bytes  int64
	}
	// Those that work are kept: to begin anew for each item would cost a small
	// object a good part of its time.
	work, idle := make(chan sized), make(chan struct{}, objectsAtMost)
	worker := func() error {
		for next := range work {
			if err := Safely(func() error { return do(gctx, next.item) }); err != nil {
				return err // and without its places nothing goes on
			}
			idle <- struct{}{} // before its places are, so that there are never more workers than places
			f.leave(next.places, next.bytes+worthOfOne)
		}
		return nil
	}
	for item, err := range items {
		if err != nil {
			g.Go(func() error { return err })
			break
		}
		next := sized{item, 1, size(item)}
		if next.bytes >= inParts {
			next.places = placesInParts
		}
		if !f.enter(gctx, next.places) {
			break
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
	}
	close(work)
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
