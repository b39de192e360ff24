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
// counts those that are done. A file that was set aside is no error, and not done.
func each[T any](ctx context.Context, files iter.Seq2[T, error], size func(T) int64, work func(context.Context, T) (int64, error)) (Outcome, error) {
	var mu sync.Mutex // guards out
	var out Outcome
	err := transfer.Each(ctx, files, size, func(ctx context.Context, file T) error {
		bytes, err := work(ctx, file)
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
	return out, err
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
