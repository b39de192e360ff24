package task

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/rolecall/rolecall/internal/transfer"
)

// each works on files, several side by side as their sizes allow. The first
// error cancels the others, and is returned once all have ended; the outcome
// counts those that are done. A file that was set aside is no error, and not done;
// where all of the first maxRefused files were refused, no others are begun, and
// the error is errAllRefused.
func each[T any](ctx context.Context, files iter.Seq2[T, error], size func(T) int64, work func(context.Context, T) (int64, error)) (Outcome, error) {
	var mu sync.Mutex // guards out
	var out Outcome
	first := trial{ended: make(chan struct{})}
	err := transfer.Each(ctx, tried(ctx, files, &first), size, func(ctx context.Context, file T) error {
		var bytes int64
		var err error // nil after a panic, too: the trial is over
		defer func() { first.add(err) }()
		bytes, err = work(ctx, file)
		if errors.Is(err, errAside) {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		out.Files++
		out.Bytes += bytes
		return nil
	})
	if err == nil && first.failed() {
		err = errAllRefused
	}
	return out, err
}

// errAllRefused ends a step that sets aside all that it tries.
var errAllRefused = errors.New("the first objects are all refused")

// trial is of the first files, and fails when all of them are refused. No other is
// begun before it has ended, so that its end is no matter of time.
type trial struct {
	mu      sync.Mutex
	refused int
	over    bool
	ended   chan struct{}
}

func (t *trial) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if errors.Is(err, errRefused) {
		t.refused++
	}
	if t.over = !errors.Is(err, errRefused) || t.refused == maxRefused; t.over {
		close(t.ended)
	}
}

func (t *trial) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused == maxRefused
}

// tried yields the files that the trial lets pass.
func tried[T any](ctx context.Context, files iter.Seq2[T, error], first *trial) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for file, err := range files {
			if n++; n == maxRefused+1 {
				select {
				case <-first.ended:
				case <-ctx.Done():
				}
			}
			if n > maxRefused && first.failed() || !yield(file, err) {
				return
			}
		}
	}
}

// none is the size of what needs no memory.
func none[T any](T) int64 { return 0 }

// all yields the items one by one.
func all[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
