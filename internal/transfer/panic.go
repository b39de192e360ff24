package transfer

import (
	"errors"

	"github.com/rolecall/rolecall/internal/safely"
)

// Safely calls work and returns a panic in it as an *Error.
func Safely(work func() error) error {
	err := safely.Do(work)
	var p *safely.Panic
	if errors.As(err, &p) {
		return &Error{Kind: Panicked, Err: p}
	}
	return err
}
