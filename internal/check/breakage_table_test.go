package check_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// The table stands between these lines of the page.
const (
	page       = "../../docs/check.md"
	tableBegin = "<!-- breakages: written by go test ./internal/check -run TestBreakages -update -->\n"
	tableEnd   = "<!-- end of breakages -->\n"
)

func compareTable(t *testing.T, all []diagnosed) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(data), tableBegin)
	old, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", page)
	}
	table := tableOf(all)
	switch {
	case *update:
		if err := os.WriteFile(page, []byte(before+tableBegin+table+tableEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	case old != table:
		t.Errorf("%s is not what the tests tell: run them with -update", page)
	}
}

// row is what is told alike of a breakage in one set-up or more.
type row struct{ step, name, layer, message, mends string }

// tableOf writes the figures, and a table for each step.
func tableOf(all []diagnosed) string {
	order := rolecall.CheckSteps()
	slices.SortFunc(all, func(a, b diagnosed) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.step.Step), slices.Index(order, b.step.Step)),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.world, b.world),
		)
	})
	var exact, hinted, mendable, first, mended, given int
	names := map[string]bool{}
	var rows []row
	in := map[row][]string{}
	for _, d := range all {
		names[d.Name] = true
		if d.step.Layer == d.Layer {
			exact++
		}
		if d.Hinted {
			hinted++
		}
		if d.Mends == "" {
			mendable++
		}
		if d.given && d.try > 0 {
			given++
		} else if d.try == 1 {
			first++
		}
		if d.try > 0 {
			mended++
		}
		r := d.row()
		if in[r] == nil {
			rows = append(rows, r)
		}
		in[r] = append(in[r], d.world)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%d breakages, %d with the set-ups that they are tried in. The step is right for all; the layer is named for %d, "+
		"among two or three candidates for %d, and in the hint behind three likelier ones for %d. A patch can mend %d of them: the first does for %d, another for %d, "+
		"and for %d one that corrects what is there, once it is given.\n",
		len(names), len(all), exact, len(all)-exact-hinted, hinted, mendable, first, mended-first-given, given)
	step := ""
	for _, r := range rows {
		if step != r.step {
			step = r.step
			fmt.Fprintf(&out, "\n### %s\n\n| what is broken | in | layer | the check says | what mends it |\n|---|---|---|---|---|\n", step)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.name, strings.Join(in[r], ", "), r.layer, r.message, r.mends)
	}
	out.WriteString("\n")
	return out.String()
}

func (d diagnosed) row() row {
	layer := string(d.step.Layer)
	if layer == "" {
		var candidates []string
		for _, c := range d.step.Candidates {
			text := string(c)
			if c == d.Layer {
				text = "**" + text + "**"
			}
			candidates = append(candidates, text)
		}
		if d.Hinted {
			candidates = append(candidates, "hint: **"+string(d.Layer)+"**")
		}
		layer = strings.Join(candidates, ", ")
	}
	mends := d.Mends
	if d.try > 0 {
		mends = "`" + d.patch + "`"
	}
	switch {
	case d.given:
		mends += ", once what is there is given"
	case d.try > 1:
		mends += fmt.Sprintf(", patch %d of %d", d.try, d.patches)
	}
	message, _, _ := strings.Cut(d.step.Message, "; ")
	return row{d.step.Step, cell(d.Name), layer, cell(message), mends}
}

// cell keeps a text from meaning something in a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s)
}
