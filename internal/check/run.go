package check

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
)

// stepTimeout bounds one try of a step: who does not answer for so long is
// not reachable.
const stepTimeout = time.Minute

// The pauses before a denied step is tried again grow from the first to the
// last.
const (
	firstPause = 5 * time.Second
	lastPause  = 15 * time.Second
)

// Run makes a check and gives its report, which has every step. Observe, which
// may be nil, is told how it goes, never from two goroutines at once. When the
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
	c := &course{
		work:  &work{Request: request, Access: a},
		steps: map[string]*under{}, observe: observe, until: time.Now().Add(request.Wait),
	}
	for _, s := range steps {
		c.steps[s.name] = &under{done: make(chan struct{})}
	}
	// The connection is told here: the vault's lines have the role and session only.
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
		state := c.steps[s.name]
		<-state.done
		ended := state.found.step(s.name)
		report.Steps = append(report.Steps, ended)
		report.Result = worse(report.Result, ended.Result)
		c.tell(Event{Kind: Ended, Step: s.name, Ended: ended})
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

// course is how a check goes.
type course struct {
	work  *work
	steps map[string]*under
	until time.Time // denied steps are tried again

	mu      sync.Mutex
	observe func(Event)
}

// under is a step under way; found and blocked are set once done is closed.
type under struct {
	done    chan struct{}
	found   finding
	blocked string // by this step, which failed: what needs this one cannot run
}

// take waits for what the step needs and runs it.
func (c *course) take(ctx context.Context, s step) {
	state := c.steps[s.name]
	defer close(state.done)
	for _, name := range slices.Concat(s.needs, s.after) {
		<-c.steps[name].done
	}
	for _, name := range s.needs {
		if state.blocked = c.steps[name].blocked; state.blocked != "" {
			state.found = skipped("not reached: the step %s failed", state.blocked)
			return
		}
	}
	if ctx.Err() != nil && !s.always {
		state.blocked, state.found = s.name, skipped("the check was interrupted")
		return
	}
	c.tell(Event{Kind: Started, Step: s.name})
	state.found = c.try(ctx, s)
	if state.found.result == rolecall.CheckFail {
		state.blocked = s.name
	}
}

// try runs the step; while it is denied and there is time to wait, again and
// again.
func (c *course) try(ctx context.Context, s step) finding {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		found := c.once(ctx, s)
		left := time.Until(c.until)
		if !found.denied || left <= 0 {
			return found
		}
		pause = min(pause, left)
		c.tell(Event{Kind: Retrying, Step: s.name, Pause: pause})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return found
		}
	}
}

func (c *course) once(ctx context.Context, s step) finding {
	if !s.always {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, stepTimeout, errSlow)
		defer cancel()
	}
	return c.work.warnOfReplacing(c.work.judgeGiven(s.name, s.run(ctx, c.work)))
}

// slow reports whether the step's own time is over.
func slow(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSlow) }

var errSlow = fmt.Errorf("no answer within %s", stepTimeout)

func (c *course) tell(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observe(e)
}

// step is the finding as it is reported.
func (f finding) step(name string) rolecall.CheckStep {
	s := rolecall.CheckStep{
		Step: name, Result: f.result, Layer: f.layer, Candidates: f.candidates, Message: f.message, Hint: f.hint,
	}
	if f.caution != "" {
		s.Hint = strings.TrimPrefix(s.Hint+". "+f.caution, ". ")
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

// worse gives the result of a check so far, and of one more step.
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
