package task

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"

	"github.com/rolecall/rolecall/internal/transfer"
)

// each works on n files, several side by side as their sizes allow. The first
// error cancels the others, and is returned once all have ended; the outcome
// counts those that are done.
func each(ctx context.Context, n int, size func(i int) int64, work func(ctx context.Context, i int) (int64, error)) (Outcome, error) {
	var mu sync.Mutex // guards out
	var out Outcome
	err := transfer.Each(ctx, indices(n), size, func(ctx context.Context, i int) error {
		bytes, err := safely(func() (int64, error) { return work(ctx, i) })
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
func none(int) int64 { return 0 }

func indices(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// safely makes an error of a panic, which would end the process in a
// goroutine of ours.
func safely(work func() (int64, error)) (n int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work()
}
