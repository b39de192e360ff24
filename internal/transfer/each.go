package transfer

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// capacity is how much Each does at once, in MiB of objects: many small ones
// side by side, or a large one, which has parts side by side by itself.
const capacity = 32

// Each does something for every item, several at a time, as many as their
// sizes let be in memory together. The first error, of an item or of the
// sequence, cancels the others and is what it gives after all have ended.
func Each[T any](ctx context.Context, items iter.Seq2[T, error], size func(T) int64, do func(context.Context, T) error) error {
	room := semaphore.NewWeighted(capacity)
	g, gctx := errgroup.WithContext(ctx)
	type weighted struct {
		item   T
		weight int64
	}
	// Those that work are kept: to begin anew for each item would cost a small
	// object a good part of its time.
	work, idle := make(chan weighted), make(chan struct{}, capacity)
	worker := func() error {
		for next := range work {
			if err := do(gctx, next.item); err != nil {
				return err // and without its room nothing goes on
			}
			idle <- struct{}{} // before the room is, so that there are never more workers than room
			room.Release(next.weight)
		}
		return nil
	}
	for item, err := range items {
		if err != nil {
			g.Go(func() error { return err })
			break
		}
		next := weighted{item, 1 + max(0, min(size(item)/mib, capacity-1))}
		if room.Acquire(gctx, next.weight) != nil {
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
