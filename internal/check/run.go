package check

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/safely"
)

// The pauses before a denied step is tried again grow from the first to the
// last.
const (
	firstPause = 5 * time.Second
	lastPause  = 15 * time.Second
)

// Run makes a check and returns its report, which has every step. Observe, which
// may be nil, is called with each event, never from two goroutines at once. When the
// context is cancelled, the steps that have not ended are reported as such.
func Run(ctx context.Context, request Request, a *access.Access, observe func(Event)) rolecall.CheckReport {
	return run(ctx, request, a, observe, steps())
}

func run(ctx context.Context, request Request, a *access.Access, observe func(Event), steps []step) rolecall.CheckReport {
	if request.Log == nil {
		request.Log = slog.New(slog.DiscardHandler)
	}
	if observe == nil {
		observe = func(Event) {}
	}
	c := &schedule{
		work:  &work{Request: request, Access: a},
		steps: map[string]*state{}, observe: observe, until: time.Now().Add(request.Wait),
	}
	for _, s := range steps {
		c.steps[s.name] = &state{done: make(chan struct{})}
	}
	// The connection is logged here: the vault's lines have the role and session only.
	request.Log.InfoContext(ctx, "check begins", "org", request.Organization.APIName, "connection", request.Connection.Name,
		"role", request.Connection.RoleARN, "session", c.work.role().SessionName())
	var all sync.WaitGroup
	for _, s := range steps {
		all.Go(func() { c.take(ctx, s) })
	}
	report := rolecall.CheckReport{
		Organization: request.Organization.APIName, Connection: request.Connection.Name, Result: rolecall.CheckPass, Steps: []rolecall.CheckStep{},
	}
	for _, s := range steps {
		at := c.steps[s.name]
		<-at.done
		ended := at.found.step(s.name)
		report.Steps = append(report.Steps, ended)
		report.Result = worse(report.Result, ended.Result)
		c.report(Event{Kind: Ended, Step: s.name, Ended: ended})
	}
	all.Wait()
	if ctx.Err() != nil {
		report.Result = rolecall.CheckFail
	}
	if c.work.drift {
		report.Result = rolecall.CheckDrift
	}
	return report
}

// schedule runs the steps of a check, each as soon as it can.
type schedule struct {
	work  *work
	steps map[string]*state
	until time.Time // denied steps are tried again

	mu      sync.Mutex
	observe func(Event)
}

// state is how far a step is; found and blocked are set once done is closed.
type state struct {
	done    chan struct{}
	found   finding
	blocked string // by this step, which failed: what needs this one cannot run
}

// take waits for what the step needs and runs it. A panic is the step's fault.
func (c *schedule) take(ctx context.Context, s step) {
	at := c.steps[s.name]
	defer close(at.done)
	for _, name := range slices.Concat(s.needs, s.after) {
		<-c.steps[name].done
	}
	err := safely.Do(func() error {
		c.run(ctx, s, at)
		return nil
	})
	if err != nil {
		at.blocked, at.found = s.name, c.work.fault(ctx, err)
	}
}

// run runs the step, if it can.
func (c *schedule) run(ctx context.Context, s step, at *state) {
	for _, name := range s.needs {
		if at.blocked = c.steps[name].blocked; at.blocked != "" {
			at.found = skipped("not reached: the step %s failed", at.blocked)
			return
		}
	}
	if ctx.Err() != nil && !s.always {
		at.blocked, at.found = s.name, skipped("the check was interrupted")
		return
	}
	c.report(Event{Kind: Started, Step: s.name})
	at.found = c.try(ctx, s)
	if at.found.result == rolecall.CheckFail {
		at.blocked = s.name
	}
}

// try runs the step; while it is denied and there is time to wait, again and
// again.
func (c *schedule) try(ctx context.Context, s step) finding {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		found := c.once(ctx, s)
		left := time.Until(c.until)
		if !found.denied || left <= 0 {
			return found
		}
		pause = min(pause, left)
		c.report(Event{Kind: Retrying, Step: s.name, Pause: pause})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return found
		}
	}
}

func (c *schedule) once(ctx context.Context, s step) finding {
	if !s.always {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, stepTimeout, errSlow)
		defer cancel()
	}
	return c.work.askForDocuments(c.work.lintGiven(s.name, c.work.judgeGiven(s.name, s.run(ctx, c.work))))
}

func (c *schedule) report(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observe(e)
}

// step is the finding as it is reported.
func (f finding) step(name string) rolecall.CheckStep {
	s := rolecall.CheckStep{
		Step: name, Result: f.result, Layer: f.layer, Candidates: f.candidates, Message: f.message, Hint: joined(f.hint, f.cautionHint), ObjectKeys: f.objectKeys,
	}
	if s.Candidates == nil {
		s.Candidates = []rolecall.CheckLayer{}
	}
	if len(f.patches) > 0 {
		s.Patch = &f.patches[0]
	}
	if len(f.patches) > 1 {
		s.Patches = f.patches
	}
	return s
}

// worse returns the result of a check so far, and of one more step.
func worse(all, one rolecall.CheckResult) rolecall.CheckResult {
	switch {
	case all == rolecall.CheckFail || one == rolecall.CheckFail:
		return rolecall.CheckFail
	case all == rolecall.CheckWarn || one == rolecall.CheckWarn:
		return rolecall.CheckWarn
	default:
		return all
	}
}
