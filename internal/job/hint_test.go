package job

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/task"
)

// TestHints does what each hint about a task that has not enough time says: then
// it completes.
func TestHints(t *testing.T) {
	t.Parallel()
	pattern := func(text string) rolecall.Pattern {
		p, err := rolecall.CompilePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b := pattern("a/*"), pattern("b/*")
	both := []rolecall.Pattern{a, b}
	var done []string
	for _, c := range []struct {
		each     time.Duration // how long the files of a pattern take
		wrong    rolecall.Step
		followed [][]rolecall.Step
	}{
		{
			time.Hour,
			rolecall.Step{Files: both, Timeout: 90 * time.Minute},
			[][]rolecall.Step{
				{{Files: both, Timeout: 3 * time.Hour}},
				{{Files: both[:1], Timeout: 90 * time.Minute}, {Files: both[1:], Timeout: 90 * time.Minute}},
			},
		},
		{
			20 * time.Hour,
			rolecall.Step{Files: both},
			[][]rolecall.Step{{{Files: both, Timeout: 604800 * time.Second}}, {{Files: both[:1]}, {Files: both[1:]}}},
		},
	} {
		moves := func(ctx context.Context, step rolecall.Step, _ func(task.Event)) (task.Outcome, error) {
			select {
			case <-time.After(time.Duration(len(step.Files)) * c.each): // of the bubble's fake clock
				return task.Outcome{}, nil
			case <-ctx.Done():
				return task.Outcome{}, ctx.Err()
			}
		}
		synctest.Test(t, func(t *testing.T) {
			report := run(t.Context(), steps(c.wrong), moves, nil)
			if report.Status != rolecall.Failed || len(report.Errors) != 1 {
				t.Fatalf("it is no fault: %+v", report)
			}
			done = append(done, report.Errors[0].Hint)
			for _, followed := range c.followed {
				if report := run(t.Context(), steps(followed...), moves, nil); report.Status != rolecall.Completed {
					t.Errorf("by %q: %v", report.Errors[0].Hint, report.Errors)
				}
			}
		})
	}
	hinttest.Followed(t, ".", done, nil)
}
