package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/policy"
)

// checkProgress shows the steps of a check: on stdout as they end, and on a
// terminal what is under way below them.
type checkProgress struct {
	out   *output
	bars  map[string]*bar   // by step
	given map[string]string // patches that were printed: of which step
	brief bool              // patches are not printed: the check was interrupted
}

func newCheckProgress(out *output) *checkProgress {
	if out.wide == 0 { // what stands below results must not stand among them where stdout leads elsewhere
		out.screen.live = false
	}
	return &checkProgress{out: out, bars: map[string]*bar{}, given: map[string]string{}}
}

// observe takes one event. Events come one at a time.
func (p *checkProgress) observe(e check.Event) {
	if p.out.json && e.Kind != check.Retrying {
		return
	}
	switch e.Kind {
	case check.Started:
		p.bars[e.Step] = p.out.screen.add(&bar{words: underWay(e.Step, "…")})
	case check.Retrying:
		again := fmt.Sprintf("denied, trying again in %s", e.Pause.Round(time.Second/10))
		if p.out.screen.live {
			p.out.screen.change(p.bars[e.Step], true, func(b *bar) { b.words = underWay(e.Step, again) })
		} else {
			fmt.Fprintf(p.out.stderr, "%s: %s\n", e.Step, again)
		}
	case check.Ended:
		p.out.screen.remove(p.bars[e.Step], func() { p.step(e.Ended) })
	}
}

func underWay(step, what string) string { return fmt.Sprintf("  %-18s %s", step, what) }

// marks are how results look on a terminal.
var marks = map[rolecall.CheckResult]struct {
	mark  string
	style style
}{
	rolecall.CheckPass:  {"✓", green},
	rolecall.CheckWarn:  {"!", bold},
	rolecall.CheckFail:  {"✗", red},
	rolecall.CheckDrift: {"✗", red},
	rolecall.CheckSkip:  {"–", faint},
}

// result paints a text as the result asks for.
func (o *output) result(r rolecall.CheckResult, text string) string {
	return o.onOut.paint(marks[r].style, text)
}

// step prints a step as it ended: of one that went wrong all that is known.
func (p *checkProgress) step(s rolecall.CheckStep) {
	o := p.out
	mark, name := fmt.Sprintf("%-4s", printable(string(s.Result))), printable(s.Step)
	if o.onOut {
		mark = marks[s.Result].mark
	}
	if o.narrow() {
		o.printf("%s %s\n  %s\n", o.result(s.Result, mark), name, o.fit(s.Message, 2))
	} else {
		o.printf("%s %-18s %s\n", o.result(s.Result, mark), name, o.fit(s.Message, utf8.RuneCountInString(mark)+20))
	}
	switch {
	case s.Layer != "" && s.Result != rolecall.CheckPass:
		o.under("at fault: " + string(s.Layer))
	case len(s.Candidates) > 0:
		names := make([]string, len(s.Candidates))
		for i, c := range s.Candidates {
			names[i] = string(c)
		}
		o.under("at fault, the likeliest first: " + strings.Join(names, ", or "))
	}
	if s.Hint != "" {
		o.under("hint: " + s.Hint)
	}
	patches := s.Patches
	if len(patches) == 0 && s.Patch != nil {
		patches = []rolecall.Patch{*s.Patch}
	}
	if p.brief {
		patches = nil
	}
	for i, patch := range patches {
		if i > 0 {
			o.under("or, if that was not it:")
		}
		p.patch(s.Step, patch)
	}
}

// documentOf prints what --output json asks for.
func (o *output) documentOf(v any) error {
	if !o.json {
		return nil
	}
	return o.document(v)
}

// under prints a text below a step.
func (o *output) under(text string) {
	indent := 7
	if o.narrow() {
		indent = 2
	}
	o.printf("%s%s\n", strings.Repeat(" ", indent), o.fit(text, indent))
}

// narrow reports whether the terminal has no room for two columns of text.
func (o *output) narrow() bool { return o.wide > 0 && o.wide < 60 }

// fit breaks a text that begins in a column between words, as the terminal is
// wide. Where stdout is none, it stays one line.
func (o *output) fit(text string, column int) string {
	if o.wide == 0 {
		return printable(text)
	}
	return wrapped(text, o.wide-column, strings.Repeat(" ", column))
}

// whatToDo says where the document of a patch goes.
func whatToDo(p rolecall.Patch) string {
	switch kind := policy.Kind(p.Document); {
	case p.Mode == rolecall.PatchReplace:
		return fmt.Sprintf("replace what is in %s, of %s, by:", p.Corrects, p.Target)
	case kind == policy.SCPDocument:
		return "let the service control policies above " + p.Target + " allow:"
	case p.Mode == rolecall.PatchMerge:
		return "add to the " + kind.Title() + " of " + p.Target + ", in place of statements with these Sids:"
	case kind == "connection":
		return "declare the connection " + p.Target + " as:"
	default:
		return "change a setting of " + p.Target + ":"
	}
}

// patch prints a patch, once: the same may fix several steps.
func (p *checkProgress) patch(step string, patch rolecall.Patch) {
	text, _ := json.Marshal(patch) // documents that were made here
	if earlier, given := p.given[string(text)]; given {
		p.out.under(fmt.Sprintf("what fixes the step %s fixes this, too", earlier))
		return
	}
	p.given[string(text)] = step
	p.out.patch(patch)
}

func (o *output) patch(p rolecall.Patch) {
	o.under(whatToDo(p))
	for _, document := range []json.RawMessage{p.Policy, p.Connection} {
		var text bytes.Buffer
		if len(document) == 0 || json.Indent(&text, document, "", "  ") != nil {
			continue
		}
		for line := range strings.Lines(text.String()) {
			o.verbatim("         %s\n", printable(strings.TrimSuffix(line, "\n")))
		}
	}
	if len(p.Commands) > 0 && p.Document != "setting" {
		how := "with the aws command line:"
		if p.Mode == rolecall.PatchMerge {
			how = "with the aws command line and jq, which fetch the policy, show what would change, and write it:"
		}
		o.under(how)
	}
	for _, c := range p.Commands {
		o.verbatim("         %s\n", printable(c))
	}
}

const drifted = "what gives the credentials passed its probes once, and is not what it was: the claim on it has ended, and work under it was stopped"

// summary prints a check of many: what went wrong alone.
func (o *output) summary(r rolecall.CheckReport) {
	mark := fmt.Sprintf("%-5s", printable(string(r.Result)))
	if o.onOut {
		mark = marks[r.Result].mark
	}
	o.printf("%s %s/%s\n", o.result(r.Result, mark), printable(r.Organization), printable(r.Connection))
	if r.Result == rolecall.CheckDrift {
		o.under(drifted)
	}
	for _, s := range r.Steps {
		if s.Result == rolecall.CheckFail || s.Result == rolecall.CheckWarn {
			o.under(fmt.Sprintf("%s %s: %s", s.Result, s.Step, s.Message))
		}
	}
}
