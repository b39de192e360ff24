package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/bound"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/task"
)

// Job is a planned job with its id and what its tasks share.
type Job = task.Job

// ErrHandBack is the cause of a context's end that hands a job back, for
// another run to go on with: what is unfinished is kept.
var ErrHandBack = errors.New("handed back")

// Run runs the job and reports how it ended. When the context ends, the job is
// aborted. Run still returns only when all is undone that was begun and is
// not left to a later run: where one can go on with it, it is left by a job that
// was handed back, see ErrHandBack, or that failed by what may pass. Observe may
// be nil.
func Run(ctx context.Context, j Job, a *access.Access, observe func(Event)) rolecall.JobReport {
	tools := task.New(a, j)
	report := run(ctx, j, tools.Run, observe)
	if !tools.Resumable() || !leaves(ctx, report) {
		report.Errors = append(report.Errors, rolecall.List(tools.Retract(ctx))...)
	}
	return report
}

// leaves reports whether a job that ended leaves what is unfinished to a later
// run: it was handed back, or failed by what may pass and nobody cancelled it.
func leaves(ctx context.Context, report rolecall.JobReport) bool {
	handedBack := errors.Is(context.Cause(ctx), ErrHandBack)
	switch report.Status {
	case rolecall.Aborted:
		return handedBack
	case rolecall.Failed:
		return mayPass(report.Errors) && (ctx.Err() == nil || handedBack)
	default:
		return false
	}
}

// sideBySide bounds how many tasks of one job run at once.
const sideBySide = 16

// runStep does the work of one step, once.
type runStep func(context.Context, rolecall.Step, func(task.Event)) (task.Outcome, error)

type runner struct {
	step    runStep
	slots   *bound.Share // see Job
	log     *slog.Logger
	mu      sync.Mutex // guards report, and orders the events
	observe func(Event)
	report  rolecall.JobReport
}

func run(ctx context.Context, j Job, step runStep, observe func(Event)) rolecall.JobReport {
	log := j.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if observe == nil {
		observe = func(Event) {}
	}
	r := &runner{step: step, slots: cmp.Or(j.Slots, bound.New(sideBySide).Whole()), log: log.With("org", j.Plan.Organization, "job", j.ID), observe: observe}
	r.report = rolecall.JobReport{ID: j.ID, Tags: append([]string{}, j.Plan.Tags...), Errors: rolecall.Errors{}}
	for _, s := range j.Plan.Steps {
		r.report.Tasks = append(r.report.Tasks, rolecall.TaskReport{
			Index: s.Index, Name: s.Name, Tool: s.Tool, Timeout: int(cmp.Or(s.Timeout, rolecall.DefaultTimeout).Seconds()),
			StatusText: rolecall.Submitted.String(), Notes: []rolecall.Note{}, Errors: rolecall.Errors{},
		})
	}
	status := rolecall.Completed
	at := 0
	for _, group := range groups(j.Plan.Steps) {
		if status = r.group(ctx, group, at); status != rolecall.Completed {
			break
		}
		at += len(group)
	}
	r.report.Status, r.report.StatusText = status, status.String()
	for _, t := range r.report.Tasks {
		r.report.Errors = append(r.report.Errors, t.Errors...)
	}
	return r.report
}

// groups divides the steps into what runs one after the other: single steps,
// and neighbours that run side by side.
func groups(steps []rolecall.Step) [][]rolecall.Step {
	var out [][]rolecall.Step
	for i, s := range steps {
		if i > 0 && s.Parallel && steps[i-1].Parallel {
			out[len(out)-1] = append(out[len(out)-1], s)
		} else {
			out = append(out, []rolecall.Step{s})
		}
	}
	return out
}

// group runs steps side by side. The first that fails cancels the others. The
// reports of the steps begin at that place.
func (r *runner) group(ctx context.Context, steps []rolecall.Step, at int) rolecall.Status {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	slots := make(chan struct{}, sideBySide)
	var wait sync.WaitGroup
	for i, s := range steps {
		select {
		case slots <- struct{}{}:
		case <-inner.Done():
		}
		if inner.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-slots }()
			if r.slots.Acquire(inner, 1) != nil {
				return
			}
			defer r.slots.Release(1)
			status := rolecall.Failed
			err := safely.Do(func() error {
				status = r.task(inner, s, at+i)
				return nil
			})
			if err != nil {
				r.fail(s, at+i, err)
			}
			if status == rolecall.Failed {
				cancel()
			}
		})
	}
	wait.Wait()
	status := rolecall.Completed
	for _, t := range r.report.Tasks[at : at+len(steps)] {
		switch {
		case t.Status == rolecall.Failed:
			return rolecall.Failed
		case t.Status != rolecall.Completed:
			status = rolecall.Aborted
		}
	}
	return status
}

// task runs one step with its retries, and keeps its report.
func (r *runner) task(ctx context.Context, s rolecall.Step, place int) rolecall.Status {
	log := r.log.With("task", s.Index)
	notes := newNotes()
	note := func(try int, n rolecall.Note) {
		if n.Kind != "" && notes.add(n) {
			r.send(Event{Kind: Noted, Task: s.Index, Try: try, Note: n})
		}
	}
	update := func(status rolecall.Status, out task.Outcome, err error) rolecall.TaskReport {
		r.mu.Lock()
		defer r.mu.Unlock()
		t := &r.report.Tasks[place]
		t.Status, t.StatusText, t.Files, t.Bytes = status, status.String(), out.Files, out.Bytes
		t.Errors = append(rolecall.Errors{}, located(err, s)...)
		t.Notes = notes.list()
		return *t
	}
	update(rolecall.InProgress, task.Outcome{}, nil)
	for try := 1; ; try++ {
		r.send(Event{Kind: Started, Task: s.Index, Try: try})
		out, err := r.try(ctx, s, func(e task.Event) {
			r.send(Event{Kind: Progress, Task: s.Index, Try: try, Progress: e})
			note(try, rolecall.Note{Kind: e.Note, Key: e.Name, Message: e.Reason})
		})
		if err != nil && ctx.Err() == nil {
			logCauses(ctx, log, try, err)
			if try <= s.Retries && mayPass(err) {
				wait := backoff(try)
				for _, e := range located(err, s) {
					note(try, rolecall.Note{Kind: rolecall.Retried, Message: fmt.Sprintf("try %d: %s; again in %v", try, e.Message, wait.Round(100*time.Millisecond))})
				}
				r.send(Event{Kind: Retrying, Task: s.Index, Try: try, Errors: located(err, s), Wait: wait})
				if sleep(ctx, wait) {
					continue
				}
			}
		}
		var report rolecall.TaskReport
		switch {
		case err == nil:
			report = update(rolecall.Completed, out, nil)
		case ctx.Err() != nil:
			report = update(rolecall.Aborted, out, nil)
		default:
			report = update(rolecall.Failed, out, err)
		}
		r.send(Event{Kind: Ended, Task: s.Index, Try: try, Report: report})
		return report.Status
	}
}

// fail ends a task at whose events somebody panicked.
func (r *runner) fail(s rolecall.Step, place int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.report.Tasks[place]
	t.Status, t.StatusText, t.Errors = rolecall.Failed, rolecall.Failed.String(), located(err, s)
}

// try runs a step once, within its timeout. A panic is a fault of this step, not
// the end of the process.
func (r *runner) try(ctx context.Context, s rolecall.Step, observe func(task.Event)) (out task.Outcome, err error) {
	limit, pointer, hint := s.Timeout, strict.Pointer("tasks", s.Index, "timeout_seconds"), "You: give it more time, or divide its files among tasks"
	if limit == 0 || limit == rolecall.DefaultTimeout { // the job need not name it
		limit, pointer, hint = rolecall.DefaultTimeout, place(s), "You: set timeout_seconds, to 604800 at most, or divide its files among tasks"
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = safely.Do(func() (err error) {
		out, err = r.step(limited, s, observe)
		return err
	})
	if err != nil && ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = &rolecall.Error{
			Code: rolecall.Unavailable, Pointer: pointer, Message: fmt.Sprintf("the task was not done after its %v", limit), Hint: hint, Err: err,
		}
	}
	return out, err
}

// place points at the step, which may stand in another format than the
// native one.
func place(s rolecall.Step) string {
	task := strict.Pointer("tasks", s.Index)
	if at := s.Place.Pointer; at != "" && !strings.HasPrefix(at, task+"/") {
		return at
	}
	return task
}

func (r *runner) send(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe(e)
}

// located returns the errors with a pointer each, if only to the task.
func located(err error, s rolecall.Step) rolecall.Errors {
	var out rolecall.Errors
	for _, e := range rolecall.List(err) {
		if e.Pointer == "" {
			under := *e
			under.Pointer = place(s)
			e = &under
		}
		out = append(out, e)
	}
	return out
}

// logCauses logs what users are not shown.
func logCauses(ctx context.Context, log *slog.Logger, try int, err error) {
	for _, e := range rolecall.List(err) {
		log.WarnContext(ctx, "task try failed", "try", try, "code", e.Code, "error", e.Message, "cause", e.Err)
	}
}

// mayPass reports whether trying again may help: only where nothing is wrong but
// that something was unavailable.
func mayPass(err error) bool {
	for _, e := range rolecall.List(err) {
		if e.Code != rolecall.Unavailable {
			return false
		}
	}
	return true
}

const (
	firstWait = time.Second
	maxWait   = time.Minute
)

// backoff is how long to wait after a try: doubling, and spread so that tasks
// that failed together do not come back together.
func backoff(try int) time.Duration {
	wait := min(firstWait<<min(try-1, 10), maxWait)
	return wait/2 + rand.N(wait/2+1)
}

// sleep waits, and is false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
