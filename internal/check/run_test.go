package check

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
)

// takes makes a step that lasts and then ends so.
func takes(name string, d time.Duration, ends finding, needs ...string) step {
	return step{name: name, needs: needs, run: func(ctx context.Context, _ *work) finding {
		select {
		case <-time.After(d):
			return ends
		case <-ctx.Done():
			return failed(rolecall.LayerNetwork, context.Cause(ctx).Error(), "")
		}
	}}
}

// runSteps runs the steps and gives how each ended, and for how long all ran.
func runSteps(ctx context.Context, r Request, steps ...step) (rolecall.CheckReport, []Event, time.Duration) {
	var events []Event
	began := time.Now()
	report := run(ctx, r, &access.Access{}, func(e Event) { events = append(events, e) }, steps)
	return report, events, time.Since(began)
}

func ended(r rolecall.CheckReport) string {
	var out []string
	for _, s := range r.Steps {
		out = append(out, s.Step+" "+string(s.Result))
	}
	return strings.Join(out, ", ")
}

func TestStepsRunSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		report, events, took := runSteps(t.Context(), Request{},
			takes("a", 3*time.Second, passed("")), takes("b", 2*time.Second, passed(""), "a"),
			takes("c", 4*time.Second, passed("")), takes("d", 1*time.Second, passed(""), "a", "c"))
		if took != 5*time.Second || report.Result != rolecall.CheckPass {
			t.Errorf("%s in %v", report.Result, took)
		}
		var order []string
		for _, e := range events {
			if e.Kind == Ended {
				order = append(order, e.Step)
			}
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, order); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStepsNeedOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		after := takes("e", 0, finding{result: rolecall.CheckWarn})
		after.after = []string{"b"}
		report, _, _ := runSteps(t.Context(), Request{},
			takes("a", 0, skipped("has no meaning here")), takes("b", 0, failed(rolecall.LayerRole, "", ""), "a"),
			takes("c", 0, passed(""), "b"), takes("d", 0, passed(""), "c"), after)
		if got, want := ended(report), "a skip, b fail, c skip, d skip, e warn"; got != want || report.Result != rolecall.CheckFail {
			t.Errorf("%s: %s, want %s", report.Result, got, want)
		}
		if got := report.Steps[3].Message; got != "not reached: the step b failed" {
			t.Errorf("d: %s", got)
		}
	})
}

// denials makes a step that is denied so often, and then passes.
func denials(name string, n int) step {
	return step{name: name, run: func(context.Context, *work) finding {
		if n--; n >= 0 {
			f := failed(rolecall.LayerRole, "denied", "")
			f.denied = true
			return f
		}
		return passed("")
	}}
}

func TestDeniedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wait   time.Duration
		times  int
		result rolecall.CheckResult
		pauses []time.Duration
	}{
		"not at all":       {0, 1, rolecall.CheckFail, nil},
		"until it passes":  {2 * time.Minute, 3, rolecall.CheckPass, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}},
		"for so long":      {22 * time.Second, 9, rolecall.CheckFail, []time.Duration{5 * time.Second, 10 * time.Second, 7 * time.Second}},
		"for a short time": {time.Second, 1, rolecall.CheckPass, []time.Duration{time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				report, events, _ := runSteps(t.Context(), Request{Wait: test.wait}, denials("a", test.times))
				var pauses []time.Duration
				for _, e := range events {
					if e.Kind == Retrying {
						pauses = append(pauses, e.Pause)
					}
				}
				if diff := cmp.Diff(test.pauses, pauses); diff != "" || report.Result != test.result {
					t.Errorf("%s\n%s", report.Result, diff)
				}
			})
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		last := takes("c", 0, passed("cleaned up"))
		last.after, last.always = []string{"a", "b"}, true
		last.run = func(context.Context, *work) finding { return passed("cleaned up") }
		report, _, took := runSteps(ctx, Request{}, takes("a", time.Minute/2, passed("")), takes("b", 0, passed(""), "a"), last)
		if got, want := ended(report), "a fail, b skip, c pass"; got != want || took != time.Second || report.Result != rolecall.CheckFail {
			t.Errorf("%s after %v: %s, want %s", report.Result, took, got, want)
		}
	})
}

func TestSlowStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		report, _, took := runSteps(t.Context(), Request{}, takes("a", time.Hour, passed("")))
		if took != stepTimeout || report.Steps[0].Message != errSlow.Error() {
			t.Errorf("%v: %+v", took, report.Steps)
		}
	})
}

// A report has all candidates and patches of a step, and each list is one.
func TestStepOfFinding(t *testing.T) {
	t.Parallel()
	one, two := rolecall.Patch{Document: "trust"}, rolecall.Patch{Document: "worker"}
	if s := (finding{patches: []rolecall.Patch{one}}).step("a"); s.Candidates == nil || s.Patch == nil || s.Patches != nil {
		t.Errorf("%+v", s)
	}
	s := finding{patches: []rolecall.Patch{one, two}}.step("a")
	if s.Patch.Document != "trust" || len(s.Patches) != 2 {
		t.Errorf("%+v", s)
	}
}

// The steps are all that a report promises, and no two wait for each other.
func TestStepsAreInOrder(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range steps() {
		names = append(names, s.name)
	}
	ended, left := map[string]bool{}, steps()
	for before := 0; len(left) > 0 && len(left) != before; {
		before = len(left)
		left = slices.DeleteFunc(left, func(s step) bool {
			if slices.ContainsFunc(slices.Concat(s.needs, s.after), func(name string) bool { return !ended[name] }) {
				return false
			}
			ended[s.name] = true
			return true
		})
	}
	for _, s := range left {
		t.Errorf("%s waits for ever for %v and %v", s.name, s.needs, s.after)
	}
	if diff := cmp.Diff(rolecall.CheckSteps(), names); diff != "" {
		t.Error(diff)
	}
}
