package transfer

import (
	"fmt"
	"runtime/debug"
)

// Safely calls work and returns a panic in it as an *Error. In a goroutine a
// panic would end the process and the work of everyone in it.
func Safely(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: Panicked, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return work()
}
