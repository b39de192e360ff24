package credential

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rolecall/rolecall"
)

// catchPanic turns a panic into the error of the function that defers it: a
// fault in what a program gives to the vault fails that one call, not the
// process. The value of the panic may be a secret, so it is shown only where it
// is the Go runtime's own text.
func catchPanic(err *error) {
	p := recover()
	if p == nil {
		return
	}
	cause := fmt.Errorf("panic of type %T\n%s", p, debug.Stack())
	if fault, ok := p.(runtime.Error); ok {
		cause = fmt.Errorf("panic: %w\n%s", fault, debug.Stack())
	}
	*err = &rolecall.Error{Code: rolecall.Internal, Message: "internal error", Hint: "You: report this as a fault of rolecall's, with the log", Err: cause}
}

// recoveringStore is a store whose panics are errors.
type recoveringStore struct{ store Verdicts }

func (r recoveringStore) Get(ctx context.Context, s Subject) (v Verdict, err error) {
	defer catchPanic(&err)
	return r.store.Get(ctx, s)
}

func (r recoveringStore) Put(ctx context.Context, s Subject, old, passing Verdict) (err error) {
	defer catchPanic(&err)
	return r.store.Put(ctx, s, old, passing)
}

func (r recoveringStore) Remove(ctx context.Context, s Subject) (err error) {
	defer catchPanic(&err)
	return r.store.Remove(ctx, s)
}

func (r recoveringStore) Release(ctx context.Context, s Subject) (err error) {
	defer catchPanic(&err)
	return r.store.Release(ctx, s)
}

func (r recoveringStore) Pin(ctx context.Context, s Subject, id string) (pinned string, err error) {
	defer catchPanic(&err)
	return r.store.Pin(ctx, s, id)
}
