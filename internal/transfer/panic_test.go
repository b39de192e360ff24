package transfer

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A panic in another goroutine becomes an error with its place and a kind of
// its own, and no attempt resumes after it.
func TestPanicsAreErrors(t *testing.T) {
	t.Parallel()
	var none []error
	for name, run := range map[string]func() error{
		"parts": func() error {
			return eachPart(t.Context(), make([]span, 10), &wire{}, func(_ context.Context, i int) error { return none[i] })
		},
		"objects": func() error {
			items := func(yield func(int, error) bool) {
				for i := 0; yield(i, nil); i++ {
				}
			}
			return Each(t.Context(), items, func(int) int64 { return 0 }, func(context.Context, int) error { return none[len(none)] })
		},
		"the sequence of objects": func() error {
			items := func(yield func(int, error) bool) {
				for i := range 3 {
					yield(i, nil)
				}
				yield(0, none[len(none)])
			}
			return Each(t.Context(), items, func(int) int64 { return 0 }, func(context.Context, int) error { return nil })
		},
		"their sizes": func() error {
			items := func(yield func(int, error) bool) { yield(0, nil) }
			return Each(t.Context(), items, func(int) int64 { return int64(len(none[0].Error())) }, func(context.Context, int) error { return nil })
		},
		"retract": func() error {
			return (upload{}).retract("id")(t.Context()) // without a bucket
		},
	} {
		err := run()
		var e *Error
		if !errors.As(fault("put", Bucket{Name: "b"}, "k", err), &e) || e.Kind != Panicked || e.Bucket != "b" && name != "retract" || resumable(err) {
			t.Errorf("%s: %v", name, err)
		}
		if text := err.Error(); !strings.Contains(text, "panic: runtime error: ") || !strings.Contains(text, "panic_test.go") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
