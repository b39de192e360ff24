package check_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// skews are clocks of AWS that differ from the worker's by more than the quarter
// of an hour that AWS takes.
var skews = []string{"25m", "-25m"}

// TestWorldsWithAWrongClock: where the clock is wrong the check says so, and all
// that it says else stays.
func TestWorldsWithAWrongClock(t *testing.T) {
	t.Parallel()
	for name, whole := range loadWorlds(t) {
		for _, skew := range skews {
			t.Run(name+" by "+skew, func(t *testing.T) {
				t.Parallel()
				w := whole.of("delivery").copy()
				w.set(t, "sandbox/clock_skew", skew)
				report := w.check(t, w.start(t), t.TempDir(), false)
				if report = withoutClock(t, report); !works(report) {
					t.Error(faulty(report))
				}
			})
		}
	}
}

// TestBreakagesWithAWrongClock: what is broken is found where the clock is wrong,
// too. It tries every 40th breakage, and all of them with ROLECALL_CHAOS.
func TestBreakagesWithAWrongClock(t *testing.T) {
	t.Parallel()
	every := 40
	if os.Getenv("ROLECALL_CHAOS") != "" {
		every = 1
	}
	files, err := filepath.Glob("testdata/breakages/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole, found := loadWorlds(t), 0
	for _, path := range files {
		var breakages []breakage
		loadYAML(t, path, &breakages)
		for _, b := range breakages {
			for _, name := range b.In {
				if b.Proved || b.Claimed != "" || b.Step == rolecall.StepPrincipal {
					continue
				}
				if found++; found%every != 0 {
					continue
				}
				skew := skews[found/every%len(skews)]
				t.Run(name+"/"+b.Name+" by "+skew, func(t *testing.T) {
					t.Parallel()
					w := whole[name].of(cmp.Or(b.Connection, "delivery")).copy()
					for place, value := range b.Set {
						w.set(t, place, value)
					}
					w.set(t, "sandbox/clock_skew", skew)
					b.judge(t, withoutClock(t, w.check(t, w.start(t), t.TempDir(), b.Deep)))
				})
			}
		}
	}
}

// withoutClock checks that a report says that the clock is wrong, which is not
// asked where the declaration leads nowhere, and returns it as if the clock were
// right.
func withoutClock(t *testing.T, report rolecall.CheckReport) rolecall.CheckReport {
	t.Helper()
	report.Result = rolecall.CheckPass
	asked := find(report, rolecall.StepARN).Result != rolecall.CheckFail
	for i := range report.Steps {
		s := &report.Steps[i]
		if asked && s.Step == rolecall.StepPrincipal && s.Result != rolecall.CheckSkip {
			if s.Result != rolecall.CheckWarn || !strings.HasPrefix(s.Message, "the clock of the worker is wrong: 25m ") {
				t.Errorf("of the clock it says: %s, %s", s.Result, s.Message)
			}
			*s = rolecall.CheckStep{Step: s.Step, Result: rolecall.CheckPass}
		}
		if s.Result == rolecall.CheckFail || s.Result == rolecall.CheckWarn && report.Result == rolecall.CheckPass {
			report.Result = s.Result
		}
	}
	return report
}
