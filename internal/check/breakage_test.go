package check_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/sandbox"
)

var update = flag.Bool("update", false, "write the table in docs/check.md")

// breakage is one thing that is broken in a set-up that works, and what a
// check is to find.
type breakage struct {
	Name       string         `json:"name"`
	In         []string       `json:"in"`         // the set-ups, of testdata/worlds
	Connection string         `json:"connection"` // delivery, when empty
	Set        map[string]any `json:"set"`        // see world.set
	Proved     bool           `json:"proved"`     // it breaks after a check has passed
	Anew       bool           `json:"anew"`       // the role is deleted and made again
	Deep       bool           `json:"deep"`
	Claimed    string         `json:"claimed"` // by this organization, which proved the role before
	Warns      bool           `json:"warns"`   // the step is a warning, whatever the check ends as

	Step   string               `json:"step"`
	Result rolecall.CheckResult `json:"result"` // of the check; fail, when empty
	Layer  rolecall.CheckLayer  `json:"layer"`  // that is at fault
	Hinted bool                 `json:"hinted"` // the hint names it, behind three candidates that are likelier
	// Mends, if it is not a patch, says what does: it cannot be changed by a
	// document, a declaration or a command.
	Mends string `json:"mends"`
	// Commands has the patch applied by its commands where it is a document.
	Commands bool `json:"commands"`
}

// diagnosed is what a check told of a breakage, and which patch mended it.
type diagnosed struct {
	breakage
	world   string
	step    rolecall.CheckStep
	patch   string // the document
	try     int    // which of the patches did, from 1
	patches int
	given   bool // the patch did that a second check had, which was given what it had asked for
}

func TestWorlds(t *testing.T) {
	t.Parallel()
	for name, w := range loadWorlds(t) {
		for _, connection := range []string{"masters", "delivery", "keys"} {
			if connection == "keys" && name != "plain" {
				continue
			}
			t.Run(name+"/"+connection, func(t *testing.T) {
				t.Parallel()
				w := w.of(connection)
				report := w.check(t, w.start(t), t.TempDir(), false)
				if !works(report) {
					t.Error(faulty(report))
				}
			})
		}
	}
}

func loadWorlds(t *testing.T) map[string]*world {
	t.Helper()
	out := map[string]*world{}
	for _, name := range []string{"one-account", "two-accounts", "organization", "plain"} {
		out[name] = loadWorld(t, name)
	}
	return out
}

func works(r rolecall.CheckReport) bool {
	return r.Result == rolecall.CheckPass || r.Result == rolecall.CheckWarn
}

// TestBreakages breaks one thing at a time, has the check find it, and applies
// what it says. The table of all is in docs/check.md.
func TestBreakages(t *testing.T) {
	t.Parallel()
	// Most of what is kept lives as long as one check.
	t.Cleanup(func() { debug.SetGCPercent(100) })
	debug.SetGCPercent(400)
	files, err := filepath.Glob("testdata/breakages/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := loadWorlds(t)
	var mu sync.Mutex
	var all []diagnosed
	found := 0
	t.Run("all", func(t *testing.T) {
		for _, path := range files {
			var breakages []breakage
			loadYAML(t, path, &breakages)
			for _, b := range breakages {
				for _, name := range b.In {
					if found++; found%oneOf != 0 {
						continue
					}
					t.Run(name+"/"+b.Name, func(t *testing.T) {
						t.Parallel()
						w := whole[name]
						if w == nil {
							t.Fatal("there is no such set-up")
						}
						d := b.diagnose(t, w.of(cmp.Or(b.Connection, "delivery")))
						d.world = name
						mu.Lock()
						defer mu.Unlock()
						all = append(all, d)
					})
				}
			}
		}
	})
	if every := flag.Lookup("test.run").Value.String() == ""; oneOf == 1 && (*update || every && !t.Failed()) {
		compareTable(t, all)
	}
}

// diagnose breaks the set-up, checks, and mends it by the patches.
func (b breakage) diagnose(t *testing.T, whole *world) diagnosed {
	t.Helper()
	broken := whole.copy()
	for _, place := range slices.Sorted(maps.Keys(b.Set)) {
		broken.set(t, place, b.Set[place])
	}
	state := t.TempDir()
	var aws *sandbox.Server
	if b.Proved {
		aws = whole.start(t)
		if report := whole.check(t, aws, state, b.Deep); !works(report) {
			t.Fatalf("it does not work before:\n%s", faulty(report))
		}
		b.change(t, broken, aws)
	} else {
		aws = broken.start(t)
	}
	if b.Claimed != "" {
		broken.claim(t, b.Claimed, state)
	}
	report := broken.check(t, aws, state, b.Deep)
	if b.Step != rolecall.StepCleanup {
		broken.untouched(t, aws)
	}
	d := diagnosed{breakage: b, step: b.judge(t, report)}
	patches := d.step.Patches
	if len(patches) == 0 && d.step.Patch != nil {
		patches = []rolecall.Patch{*d.step.Patch}
	}
	d.patches = len(patches)
	tried := d.mend(t, broken, patches)
	if given := broken.given(t, d.step.Hint); d.try == 0 && len(given) > 0 {
		report = broken.check(t, broken.start(t), state, b.Deep, given...)
		corrected := find(report, d.step.Step)
		d.given, patches = true, corrected.Patches
		if len(patches) == 0 && corrected.Patch != nil {
			patches = []rolecall.Patch{*corrected.Patch}
		}
		d.patches = len(patches)
		tried = append(tried, d.mend(t, broken, patches)...)
	}
	switch {
	case d.try == 0 && b.Mends == "":
		t.Errorf("no patch mends it:\n%s\n%s", faulty(report), strings.Join(tried, "\n"))
	case d.try > 0 && b.Mends != "":
		t.Errorf("a patch mends it, %s", d.patch)
	}
	return d
}

// mend tries the patches in order until one mends the set-up. It returns what
// those did that do not.
func (d *diagnosed) mend(t *testing.T, broken *world, patches []rolecall.Patch) (tried []string) {
	t.Helper()
	for i, p := range patches {
		report, ok := broken.mended(t, p, d.Deep)
		if !ok {
			tried = append(tried, fmt.Sprintf("%s cannot be applied to %s", p.Document, p.Target))
			continue
		}
		if d.mendedIn(report) {
			d.patch, d.try = p.Document, i+1
			if !d.Commands {
				break
			}
			if report, ok := broken.ordered(t, p, d.Deep); !ok || !d.mendedIn(report) {
				t.Errorf("the commands do not mend it: %s\n%s", p.Commands, faulty(report))
			}
			break
		}
		tried = append(tried, fmt.Sprintf("with %s of %s:\n%s", p.Document, p.Target, faulty(report)))
	}
	return tried
}

// change makes the role of a running sandbox what it is in the broken set-up.
func (b breakage) change(t *testing.T, broken *world, aws *sandbox.Server) {
	t.Helper()
	account, _ := broken.accounts()
	var role *sandbox.Role
	if has, ok := broken.at(t, "account/roles").(map[string]any)[broken.connection]; ok {
		data, _ := json.Marshal(has) // came from JSON
		role = &sandbox.Role{}
		var faults rolecall.Errors
		if strict.Decode(data, role, &faults); len(faults) > 0 {
			t.Fatal(faults)
		}
	}
	if role == nil || b.Anew {
		if err := aws.DeleteRole(account, broken.connection); err != nil {
			t.Fatal(err)
		}
	}
	if role != nil {
		if err := aws.PutRole(account, broken.connection, role); err != nil {
			t.Fatal(err)
		}
	}
}

// judge gives the step that the check blames, and holds it to what is broken.
func (b breakage) judge(t *testing.T, report rolecall.CheckReport) rolecall.CheckStep {
	t.Helper()
	blamed, result := rolecall.CheckFail, b.Result
	if b.Warns {
		blamed = rolecall.CheckWarn
	}
	result = cmp.Or(result, blamed)
	var found rolecall.CheckStep
	for _, s := range report.Steps {
		if s.Result == blamed {
			found = s
			break
		}
	}
	if report.Result != result || found.Step != b.Step {
		t.Fatalf("%s at %q, not %s at %q:\n%s", report.Result, found.Step, result, b.Step, faulty(report))
	}
	if b.Hinted {
		if len(found.Candidates) != 3 || slices.Contains(found.Candidates, b.Layer) {
			t.Errorf("there is room for %s:\n%s", b.Layer, faulty(report))
		}
	} else if found.Layer != b.Layer && !slices.Contains(found.Candidates, b.Layer) || len(found.Candidates) > 3 || found.Layer != "" && len(found.Candidates) > 0 {
		t.Errorf("%s %v is blamed, not %s:\n%s", found.Layer, found.Candidates, b.Layer, faulty(report))
	}
	if found.Message == "" || found.Hint == "" {
		t.Errorf("a message or a hint is missing:\n%s", faulty(report))
	}
	for _, s := range report.Steps {
		if err := hinttest.Check(s.Hint); s.Hint != "" && err != nil {
			t.Error(err)
		}
	}
	return found
}

// mendedIn tells whether the step that was blamed is as it should be, and
// nothing else wrong.
func (d diagnosed) mendedIn(r rolecall.CheckReport) bool {
	return works(r) && (d.step.Result == rolecall.CheckFail || find(r, d.step.Step).Result == rolecall.CheckPass)
}

func find(r rolecall.CheckReport, step string) rolecall.CheckStep {
	for _, s := range r.Steps {
		if s.Step == step {
			return s
		}
	}
	return rolecall.CheckStep{}
}
