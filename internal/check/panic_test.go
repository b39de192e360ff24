package check

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/safely"
)

// A panic in a step, in what it does side by side, or of whoever hears of it is
// this step's fault: the others run, and what needs it is skipped.
func TestPanicIsOneStepsFault(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]step{
		"the step": {name: "odd", run: func(context.Context, *work) finding { panic("odd input") }},
		"side by side": {name: "odd", run: func(context.Context, *work) finding {
			safely.Beside(func() {}, func() { panic("odd input") })
			return finding{}
		}},
		"the observer": {name: "observed", run: func(context.Context, *work) finding { return passed("fine") }},
	} {
		all := []step{odd, {name: "other", run: func(context.Context, *work) finding { return passed("fine") }}, {name: "needy", needs: []string{odd.name}}}
		c := &schedule{work: &work{Request: Request{Log: slog.New(slog.DiscardHandler)}}, steps: map[string]*state{}, observe: func(e Event) {
			if e.Kind == Started && e.Step == "observed" {
				panic("odd input")
			}
		}}
		for _, s := range all {
			c.steps[s.name] = &state{done: make(chan struct{})}
		}
		for _, s := range all {
			go c.take(t.Context(), s)
		}
		want := map[string]rolecall.CheckResult{odd.name: rolecall.CheckFail, "other": rolecall.CheckPass, "needy": rolecall.CheckSkip}
		for step, result := range want {
			<-c.steps[step].done
			if got := c.steps[step].found; got.result != result || strings.Contains(got.message+got.hint, "odd input") {
				t.Errorf("%s: %s: %+v", name, step, got)
			}
		}
	}
}

// A panic in one check costs no other connection its result.
func TestPanicIsOneChecksFault(t *testing.T) {
	t.Parallel()
	var requests []Request
	for _, role := range []string{"a", "odd", "odd", "b"} {
		requests = append(requests, Request{Connection: rolecall.Connection{Name: role, RoleARN: role}})
	}
	never := recordsFunc(func(string) (time.Time, error) { return time.Time{}, nil })
	again := false
	var ended []string
	reports, err := All(t.Context(), requests, checkerFunc(func(_ context.Context, r Request) rolecall.CheckReport {
		if r.Connection.Name == "odd" && !again {
			again = true
			panic("odd input")
		}
		return rolecall.CheckReport{Connection: r.Connection.Name, Steps: []rolecall.CheckStep{{Step: "arn"}}}
	}), never, func(*Request) {}, func(r rolecall.CheckReport) { ended = append(ended, r.Connection) })
	var names []string
	for _, r := range reports {
		names = append(names, r.Connection)
	}
	if slices.Sort(ended); strings.Join(ended, " ") != "a b odd" {
		t.Errorf("ended: %v", ended)
	}
	if strings.Join(names, " ") != "a odd b" {
		t.Errorf("reports of %v", names)
	}
	var p *safely.Panic
	if !errors.As(err, &p) || rolecall.CodeOf(err) != rolecall.Internal || !strings.Contains(err.Error(), "connection odd") {
		t.Errorf("got %v", err)
	}
}
