package credential

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rolecall/rolecall"
)

// catchPanic makes a panic the error of the function that defers it: a fault
// in what a program gives to the vault fails that one call, not the process.
// What the panic said may be a secret, so it is told only where it is the Go
// runtime's own text.
func catchPanic(err *error) {
	p := recover()
	if p == nil {
		return
	}
	cause := fmt.Errorf("panic of type %T\n%s", p, debug.Stack())
	if fault, ok := p.(runtime.Error); ok {
		cause = fmt.Errorf("panic: %w\n%s", fault, debug.Stack())
	}
	*err = &rolecall.Error{Code: rolecall.Internal, Message: "internal error", Hint: "look in the log for the cause", Err: cause}
}

// careful is a store whose panics are errors.
type careful struct{ store Verdicts }

func (c careful) Get(ctx context.Context, s Subject) (v Verdict, err error) {
	defer catchPanic(&err)
	return c.store.Get(ctx, s)
}

func (c careful) Put(ctx context.Context, s Subject, old, passing Verdict) (err error) {
	defer catchPanic(&err)
	return c.store.Put(ctx, s, old, passing)
}

func (c careful) Remove(ctx context.Context, s Subject) (err error) {
	defer catchPanic(&err)
	return c.store.Remove(ctx, s)
}

func (c careful) Release(ctx context.Context, s Subject) (err error) {
	defer catchPanic(&err)
	return c.store.Release(ctx, s)
}

func (c careful) Pin(ctx context.Context, s Subject, id string) (pinned string, err error) {
	defer catchPanic(&err)
	return c.store.Pin(ctx, s, id)
}
