// Package safely keeps a panic to the work that it happened in. In a goroutine of
// its own it would end the process, and the work of everyone in it.
//
// A test holds that goroutines of ours run through it: see goroutines_test.go.
package safely

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is the error of work that panicked.
type Panic struct {
	Value any
	Stack []byte
}

// Error describes the panic, with its stack: it is for logs, not for users.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", p.Value, p.Stack) }

// Do calls work, and returns a panic in it as a *Panic.
func Do(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			known, again := p.(*Panic)
			if !again {
				known = &Panic{p, debug.Stack()}
			}
			err = known
		}
	}()
	return work()
}

// Beside calls all side by side. If some panic, so does Beside, once all have
// ended, with the *Panic of the first in the order of the arguments: whoever
// called it is there to recover.
func Beside(all ...func()) {
	panics := make([]error, len(all))
	var wait sync.WaitGroup
	for i, work := range all {
		wait.Go(func() {
			panics[i] = Do(func() error {
				work()
				return nil
			})
		})
	}
	wait.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}
