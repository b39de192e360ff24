package transfer

import (
	"fmt"
	"runtime/debug"
)

// Safely makes an *Error of a panic, which in a goroutine would end the process
// with the work of all others in it.
func Safely(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: Panicked, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return work()
}
