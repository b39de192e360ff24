package job

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/bound"
	"github.com/rolecall/rolecall/internal/task"
)

var (
	down    = &rolecall.Error{Code: rolecall.Unavailable, Pointer: "/tasks/0/parameters", Message: "S3 is overloaded"}
	refused = &rolecall.Error{Code: rolecall.Forbidden, Message: "S3 refuses"}
)

// script is what fake steps do, by index and try.
type script map[int][]func(context.Context) (task.Outcome, error)

func (s script) run(t *testing.T) runStep {
	var mu sync.Mutex
	tries := map[int]int{}
	return func(ctx context.Context, step rolecall.Step, observe func(task.Event)) (task.Outcome, error) {
		mu.Lock()
		n := tries[step.Index]
		tries[step.Index]++
		mu.Unlock()
		if n >= len(s[step.Index]) {
			t.Errorf("step %d is tried %d times", step.Index, n+1)
			return task.Outcome{}, nil
		}
		observe(task.Event{Kind: task.Planned, Files: 1})
		return s[step.Index][n](ctx)
	}
}

func done(files int) func(context.Context) (task.Outcome, error) {
	return func(context.Context) (task.Outcome, error) {
		return task.Outcome{Files: files, Bytes: int64(files) * 10}, nil
	}
}

func fails(err error) func(context.Context) (task.Outcome, error) {
	return func(context.Context) (task.Outcome, error) { return task.Outcome{Files: 1}, err }
}

// later begins a second later, when its neighbours are at work.
func later(do func(context.Context) (task.Outcome, error)) func(context.Context) (task.Outcome, error) {
	return func(ctx context.Context) (task.Outcome, error) {
		time.Sleep(time.Second) // of the bubble's fake clock
		return do(ctx)
	}
}

// hangs works until it is stopped, and then tidies up for a second.
func hangs(ctx context.Context) (task.Outcome, error) {
	<-ctx.Done()
	time.Sleep(time.Second) // of the bubble's fake clock
	return task.Outcome{Files: 2}, ctx.Err()
}

func steps(all ...rolecall.Step) Job {
	for i := range all {
		all[i].Index, all[i].Tool = i, rolecall.StorageGet
	}
	return Job{ID: "j", Plan: rolecall.Plan{Organization: "acme", Steps: all}}
}

func statuses(r rolecall.JobReport) []rolecall.Status {
	out := []rolecall.Status{r.Status}
	for _, t := range r.Tasks {
		out = append(out, t.Status)
	}
	return out
}

func TestRunTellsHowItEnded(t *testing.T) {
	t.Parallel()
	const (
		submitted = rolecall.Submitted
		completed = rolecall.Completed
		failed    = rolecall.Failed
		aborted   = rolecall.Aborted
	)
	beside := rolecall.Step{Parallel: true}
	for _, tc := range []struct {
		name   string
		steps  []rolecall.Step
		script script
		stop   time.Duration // when the job is aborted
		want   []rolecall.Status
		took   [2]time.Duration
		errors string
	}{
		{name: "in order", steps: make([]rolecall.Step, 2), script: script{0: {done(3)}, 1: {done(1)}}, want: []rolecall.Status{completed, completed, completed}},
		{
			name: "a failure stops the rest", steps: make([]rolecall.Step, 3), script: script{0: {done(1)}, 1: {fails(refused)}},
			want: []rolecall.Status{failed, completed, failed, submitted}, errors: "/tasks/1: S3 refuses",
		},
		{
			name: "what may pass is tried again", steps: []rolecall.Step{{Retries: 3}}, script: script{0: {fails(down), fails(down), done(1)}},
			want: []rolecall.Status{completed, completed}, took: [2]time.Duration{1500 * time.Millisecond, 3 * time.Second},
		},
		{
			name: "as often as the task says", steps: []rolecall.Step{{Retries: 1}}, script: script{0: {fails(down), fails(down)}},
			want: []rolecall.Status{failed, failed}, took: [2]time.Duration{500 * time.Millisecond, time.Second}, errors: "/tasks/0/parameters: S3 is overloaded",
		},
		{
			name: "what will not pass is not", steps: []rolecall.Step{{Retries: 3}}, script: script{0: {fails(rolecall.Errors{down, refused})}},
			want: []rolecall.Status{failed, failed}, errors: "/tasks/0/parameters: S3 is overloaded\n/tasks/0: S3 refuses",
		},
		{
			name: "each try has its time", steps: []rolecall.Step{{Retries: 1, Timeout: time.Minute}}, script: script{0: {hangs, hangs}},
			want: []rolecall.Status{failed, failed}, took: [2]time.Duration{122*time.Second + 500*time.Millisecond, 123 * time.Second},
			errors: "/tasks/0/timeout_seconds: the task was not done after its 1m0s",
		},
		{
			name: "none lasts for ever", steps: make([]rolecall.Step, 1), script: script{0: {hangs}},
			want: []rolecall.Status{failed, failed}, took: [2]time.Duration{rolecall.DefaultTimeout, rolecall.DefaultTimeout + time.Second},
			errors: "/tasks/0: the task was not done after its 24h0m0s",
		},
		{
			name: "of a request in another format", steps: []rolecall.Step{{Place: rolecall.Place{Pointer: "/ContentAcquisition"}}}, script: script{0: {fails(refused)}},
			want: []rolecall.Status{failed, failed}, errors: "/ContentAcquisition: S3 refuses",
		},
		{
			name: "an abort waits for the task", steps: make([]rolecall.Step, 2), script: script{0: {hangs}}, stop: time.Minute,
			want: []rolecall.Status{aborted, aborted, submitted}, took: [2]time.Duration{61 * time.Second, 61 * time.Second},
		},
		{
			name: "an abort ends the wait for a retry", steps: []rolecall.Step{{Retries: 10}}, script: script{0: {fails(down)}}, stop: 100 * time.Millisecond,
			want: []rolecall.Status{aborted, aborted}, took: [2]time.Duration{100 * time.Millisecond, 100 * time.Millisecond},
		},
		{name: "an abort before the start", steps: make([]rolecall.Step, 1), stop: -1, want: []rolecall.Status{aborted, submitted}},
		{
			name: "neighbours side by side", steps: []rolecall.Step{beside, beside, {}}, script: script{0: {slow(time.Minute)}, 1: {slow(time.Minute)}, 2: {done(1)}},
			want: []rolecall.Status{completed, completed, completed, completed}, took: [2]time.Duration{time.Minute, time.Minute},
		},
		{
			name: "a failure cancels its neighbours", steps: []rolecall.Step{beside, beside, beside, {}}, script: script{0: {hangs}, 1: {later(fails(refused))}, 2: {hangs}},
			want: []rolecall.Status{failed, aborted, failed, aborted, submitted}, took: [2]time.Duration{2 * time.Second, 2 * time.Second}, errors: "/tasks/1: S3 refuses",
		},
		{
			name: "a panic", steps: make([]rolecall.Step, 1), script: script{0: {func(context.Context) (task.Outcome, error) { panic("secret") }}},
			want: []rolecall.Status{failed, failed}, errors: "/tasks/0: internal error",
		},
		{
			name: "a foreign error", steps: make([]rolecall.Step, 1), script: script{0: {fails(errors.New("secret"))}},
			want: []rolecall.Status{failed, failed}, errors: "/tasks/0: internal error",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.stop < 0 {
					cancel()
				} else if tc.stop > 0 {
					time.AfterFunc(tc.stop, cancel)
				}
				began := time.Now()
				report := run(ctx, steps(tc.steps...), tc.script.run(t), nil)
				if diff := cmp.Diff(tc.want, statuses(report)); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(began); took < tc.took[0] || took > tc.took[1] {
					t.Errorf("took %v, not within %v", took, tc.took)
				}
				if got := report.Errors.Error(); got != tc.errors {
					t.Errorf("errors %q, want %q", got, tc.errors)
				}
				if report.StatusText != report.Status.String() || report.Tags == nil || report.Errors == nil {
					t.Errorf("the report is not whole: %+v", report)
				}
				for i, tr := range report.Tasks {
					if tr.Index != i || tr.StatusText != tr.Status.String() || tr.Errors == nil {
						t.Errorf("the report of a task is not whole: %+v", tr)
					}
				}
			})
		})
	}
}

func slow(d time.Duration) func(context.Context) (task.Outcome, error) {
	return func(context.Context) (task.Outcome, error) {
		time.Sleep(d) // of the bubble's fake clock
		return task.Outcome{}, nil
	}
}

func TestManyNeighboursAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := steps(slices.Repeat([]rolecall.Step{{Parallel: true}}, 2*sideBySide+1)...)
		s := script{}
		for i := range j.Plan.Steps {
			s[i] = []func(context.Context) (task.Outcome, error){slow(time.Minute)}
		}
		began := time.Now()
		if report := run(t.Context(), j, s.run(t), nil); report.Status != rolecall.Completed {
			t.Errorf("%+v", report)
		}
		if took := time.Since(began); took != 3*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// A panic of whoever hears of a task's events is that task's failure.
func TestPanicOfTheObserver(t *testing.T) {
	t.Parallel()
	s := script{0: {done(1)}, 1: {done(1)}}
	report := run(t.Context(), steps(rolecall.Step{}, rolecall.Step{}), s.run(t), func(e Event) {
		if e.Kind == Ended && e.Task == 1 {
			panic("odd")
		}
	})
	if diff := cmp.Diff([]rolecall.Status{rolecall.Failed, rolecall.Completed, rolecall.Failed}, statuses(report)); diff != "" {
		t.Error(diff)
	}
	if got := report.Errors.Error(); got != "/tasks/1: internal error" {
		t.Errorf("errors %q", got)
	}
}

// Tasks of several jobs share the slots of the process, and an organization that
// never ends its own leaves some for another.
func TestJobsShareSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := bound.New(4)
		endless, end := context.WithCancel(t.Context())
		all := steps(slices.Repeat([]rolecall.Step{{Parallel: true}}, 8)...)
		stuck, s := script{}, script{}
		for i := range all.Plan.Steps {
			stuck[i], s[i] = []func(context.Context) (task.Outcome, error){hangs}, []func(context.Context) (task.Outcome, error){slow(time.Minute)}
		}
		theirs, ours := all, all
		theirs.Slots, ours.Slots = slots.Share("acme"), slots.Share("globex")
		ended := make(chan rolecall.JobReport)
		go func() { ended <- run(endless, theirs, stuck.run(t), nil) }()
		synctest.Wait()
		if slots.Taken() != 2 {
			t.Errorf("%d tasks of an organization that is not alone", slots.Taken())
		}
		began := time.Now()
		if report := run(t.Context(), ours, s.run(t), nil); report.Status != rolecall.Completed {
			t.Errorf("%+v", report)
		}
		if took := time.Since(began); took != 8*time.Minute {
			t.Errorf("took %v", took)
		}
		end()
		report := <-ended
		if report.Status != rolecall.Aborted || report.Tasks[7].Status == rolecall.Completed || slots.Taken() != 0 {
			t.Errorf("%+v", report)
		}
	})
}

func TestEventsTellTheStory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		report := run(t.Context(), steps(rolecall.Step{Retries: 1}), script{0: {fails(down), done(2)}}.run(t), func(e Event) {
			line := string(e.Kind)
			switch e.Kind {
			case Progress:
				line += " " + string(e.Progress.Kind)
			case Retrying:
				line += " " + e.Errors.Error()
				if e.Wait < firstWait/2 || e.Wait > firstWait {
					t.Errorf("waits %v", e.Wait)
				}
			case Ended:
				line += " " + e.Report.StatusText
			}
			got = append(got, line)
		})
		want := []string{"started", "progress planned", "noted", "retrying /tasks/0/parameters: S3 is overloaded", "started", "progress planned", "ended Completed"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if report.Tasks[0].Files != 2 || report.Tasks[0].Bytes != 20 {
			t.Errorf("%+v", report.Tasks[0])
		}
		if notes := report.Tasks[0].Notes; len(notes) != 1 || notes[0].Kind != rolecall.Retried || !strings.HasPrefix(notes[0].Message, "try 1: S3 is overloaded; again in ") {
			t.Errorf("%+v", notes)
		}
	})
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for try, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 100: time.Minute} {
		for range 100 {
			if got := backoff(try); got < want/2 || got > want {
				t.Errorf("backoff(%d) = %v", try, got)
			}
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9-]{20,32}$`)
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		last := ""
		for i := range 1000 {
			id := NewID()
			if !form.MatchString(id) || !IsID(id) || seen[id] || strings.Compare(last, id) >= 0 {
				t.Errorf("%q after %q", id, last)
			}
			seen[id], last = true, id
			if i%10 == 0 {
				time.Sleep(time.Millisecond) // of the bubble's fake clock
			}
		}
	})
	for _, id := range []string{"", "j", "0000000000000000000000000z", "00000000000000000000000000000000", "ABCDEFABCDEFABCDEFABCDEFAB", "../../etc/passwd/aaaaaaaaaa"} {
		if IsID(id) {
			t.Errorf("%q is no id", id)
		}
	}
}

// Only a hand-back, and a failure that may pass by itself, leave what is
// unfinished; any other cancellation does not, though a step failed as well.
func TestLeaves(t *testing.T) {
	t.Parallel()
	handedBack, aborted := fmt.Errorf("the worker drains: %w", ErrHandBack), errors.New("aborted by its owner")
	passing, lasting := rolecall.Errors{{Code: rolecall.Unavailable}}, rolecall.Errors{{Code: rolecall.Forbidden}}
	for name, c := range map[string]struct {
		cause  error // nil: not cancelled
		status rolecall.Status
		errs   rolecall.Errors
		want   bool
	}{
		"done":                                 {nil, rolecall.Completed, nil, false},
		"handed back":                          {handedBack, rolecall.Aborted, nil, true},
		"aborted":                              {aborted, rolecall.Aborted, nil, false},
		"failed by what may pass":              {nil, rolecall.Failed, passing, true},
		"failed":                               {nil, rolecall.Failed, lasting, false},
		"failed by what may pass, and aborted": {aborted, rolecall.Failed, passing, false},
		"failed by what may pass, handed back": {handedBack, rolecall.Failed, passing, true},
		"failed, handed back":                  {handedBack, rolecall.Failed, lasting, false},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if c.cause != nil {
			cancel(c.cause)
		}
		if got := leaves(ctx, rolecall.JobReport{Status: c.status, Errors: c.errs}); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		cancel(nil)
	}
}
