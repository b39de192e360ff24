package task

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// A few objects that fail are set aside; where more do, the service fails.
func TestServicesThatFailEndTheStep(t *testing.T) {
	t.Parallel()
	failing := &rolecall.Error{Code: rolecall.Unavailable, Err: &transfer.Error{Kind: transfer.Unavailable}}
	for done, most := range map[int64]int{0: maxFailing, 79: maxFailing, 991: 99} {
		s := &work{observe: func(Event) {}}
		s.done.Store(done)
		for n := range most + 2 {
			err := s.setAside(t.Context(), subject{key: fmt.Sprint(n)}, failing)
			if errors.Is(err, errAside) != (n < most) {
				t.Errorf("object %d after %d: %v", n, done, err)
			}
		}
	}
}

// No file is begun after the first ones before it is known that they are not all
// refused, and where they are, none is.
func TestTrialEndsBeforeOthersBegin(t *testing.T) {
	t.Parallel()
	for passing, want := range map[int]int{-1: maxRefused, 0: 2 * maxRefused, maxRefused - 1: 2 * maxRefused, maxRefused: maxRefused} {
		numbers := make([]int, 2*maxRefused)
		for i := range numbers {
			numbers[i] = i
		}
		begun := make(chan int, len(numbers))
		_, err := each(t.Context(), all(numbers), none, func(_ context.Context, n int) (int64, error) {
			begun <- n
			if n == passing {
				return 0, nil
			}
			return 0, errRefused
		})
		if len(begun) != want || errors.Is(err, errAllRefused) != (want == maxRefused) {
			t.Errorf("%d passes: %d are begun, %v", passing, len(begun), err)
		}
	}
}

// No hint says to remove the only entry of files.
func TestNoWayOutOfTheOnlyEntry(t *testing.T) {
	t.Parallel()
	for _, files := range [][]string{{"**"}, {"a.mov"}} {
		step := rolecall.Step{Tool: rolecall.StorageGet}
		for _, f := range files {
			p, err := rolecall.CompilePattern(f)
			if err != nil {
				t.Fatal(err)
			}
			step.Files = append(step.Files, p)
		}
		s := &work{tools: &Tools{}, step: step}
		if hint := s.wayOut(subject{key: files[0], name: files[0], entry: true}); hint != "" {
			t.Errorf("%v: %s", files, hint)
		}
	}
}
