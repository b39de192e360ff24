package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// rounds bounds how often all fixes are tried: a fix can uncover a fault.
const rounds = 10

// fixDocument returns a copy of the document with the fixes made, or nil if there is
// nothing to fix. A fix that leaves the document with an error that it did not
// have, does not last, or harms somebody else than the connection is not made: its
// findings then say so.
func fixDocument(d document, kind policy.Kind, options Options, findings []Finding) *tree.Node {
	if shapeless(d.root) { // nothing written would be a policy
		for i := range findings {
			findings[i].Fixed, findings[i].Widens = false, false
		}
	}
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Fixed }) {
		return nil
	}
	m := newFixer(d, kind, options, findings)
	fixed := m.try()
	if left := m.faults(fixed); left > 0 {
		for _, code := range m.codes {
			if m.skip[code] = true; m.guard.spent() {
				break
			}
			other := m.try()
			if n := m.faults(other); n < left {
				fixed, left = other, n
			} else {
				delete(m.skip, code)
			}
			if left == 0 {
				break
			}
		}
		if left > 0 {
			fixed = m.fixForm()
		}
	}
	if m.guard.spent() {
		fixed = nil
	}
	return m.tell(fixed, findings)
}

// tell says in the findings which fixes were made, and returns the document if one was.
func (m *fixer) tell(fixed *tree.Node, findings []Finding) *tree.Node {
	refused := fixed == nil || m.refused(fixed)
	still, remain := map[string]bool{}, map[string]int{}
	if fixed != nil {
		again := m.document
		again.root, again.quirks = fixed, nil
		for _, f := range judge(again, m.kind, m.options) {
			still[f.Rule+" "+f.Pointer+" "+f.Message] = true
			remain[f.Rule]++
		}
	}
	anyFixed := false
	for i := range findings {
		f := &findings[i]
		why := cmp.Or(m.left[f.Rule+" "+f.Pointer], m.left[f.Rule+" "]) // what another fix made has no place
		if m.guard.spent() {
			why = "the document is too large to tell what a fix would do to others"
		}
		made := !m.skip[f.Rule] && !refused && why == "" && (m.form(f.Rule) || !still[f.Rule+" "+f.Pointer+" "+f.Message])
		if f.Fixed && why != "" {
			f.Message += "; it is left as it is, since " + why
		}
		if f.Fixed, f.Widens = f.Fixed && made, f.Widens && made; !f.Fixed {
			remain[f.Rule]--
		}
	}
	for i := range findings {
		f := &findings[i]
		if remain[f.Rule] > 0 && !m.form(f.Rule) { // the fault moved to another place
			f.Fixed, f.Widens = false, false
		}
		anyFixed = anyFixed || f.Fixed
	}
	if !anyFixed {
		return nil
	}
	return fixed
}

// fixer makes the fixes of a document.
type fixer struct {
	document
	kind    policy.Kind
	options Options
	codes   []string        // of the rules whose fixes can be left out, as they are made
	widens  map[string]bool // codes whose fixes are reported to allow more
	errors  map[string]bool // codes of the errors that the document has
	lasting map[string]bool // codes whose findings are all to be fixed
	skip    map[string]bool // codes whose fixes are left out
	only    bool            // the form is fixed and nothing else
	guard   *guard
	left    map[string]string // why fixes are not made, by the code and place of their finding
}

func newFixer(d document, kind policy.Kind, options Options, findings []Finding) *fixer {
	m := &fixer{
		document: d, kind: kind, options: options,
		widens: map[string]bool{}, errors: map[string]bool{}, lasting: map[string]bool{}, skip: map[string]bool{},
		guard: newGuard(d.root, kind, options), left: map[string]string{},
	}
	unfixed, wrapped := map[string]bool{}, false
	for _, f := range findings {
		m.widens[f.Rule] = m.widens[f.Rule] || f.Widens
		m.errors[f.Rule] = m.errors[f.Rule] || f.Severity == Error
		m.lasting[f.Rule] = true
		unfixed[f.Rule] = unfixed[f.Rule] || !f.Fixed
		wrapped = wrapped || f.Rule == documentShape.code
		if f.Fixed && !m.form(f.Rule) && !slices.Contains(m.codes, f.Rule) {
			m.codes = append(m.codes, f.Rule)
		}
	}
	for code := range unfixed {
		m.lasting[code] = !unfixed[code]
	}
	for _, f := range grammar(d, kind, options, findings, nil) {
		m.errors[f.Rule] = true
	}
	if wrapped { // some rules read what is inside only then
		for _, f := range m.judge(m.fixForm()) {
			m.errors[f.Rule] = m.errors[f.Rule] || f.Severity == Error
		}
		m.only, m.skip = false, map[string]bool{}
	}
	return m
}

// form reports whether a rule fixes what the document is, not what it says.
func (m *fixer) form(code string) bool {
	return code == documentShape.code || slices.ContainsFunc(m.quirks, func(q quirk) bool { return q.rule == code })
}

// fixForm fixes the form and leaves out the rest.
func (m *fixer) fixForm() *tree.Node {
	m.only = true
	for _, code := range m.codes {
		m.skip[code] = true
	}
	return m.try()
}

// try returns a copy of the document with the fixes made. A fault that another
// fix uncovers is fixed too, unless that would allow more and is not reported.
func (m *fixer) try() *tree.Node {
	d := m.document
	d.root = d.root.Clone()
	before := string(d.root.JSON())
	for range rounds {
		for i := range allRules {
			m.fix(&allRules[i], &d)
		}
		d.quirks = nil // writing the tree fixes them
		after := string(d.root.JSON())
		if after == before {
			break
		}
		before = after
	}
	return d.root
}

// fix makes the fixes of a rule, together if they harm nobody and else those that do not.
func (m *fixer) fix(r *rule, d *document) {
	if m.skip[r.code] || m.only && !m.form(r.code) || m.guard.spent() {
		return
	}
	todo := m.repairs(r, *d)
	if len(todo) == 0 {
		return
	}
	before := d.root.Clone()
	for _, f := range todo {
		f.make()
	}
	why := m.harm(r, before, d.root)
	if why == "" {
		return
	}
	d.root = before
	if len(todo) == 1 {
		m.left[r.code+" "+todo[0].pointer] = why
		return
	}
	made := map[string]bool{}
	for range todo {
		todo = slices.DeleteFunc(m.repairs(r, *d), func(f repair) bool { return made[f.pointer] })
		if len(todo) == 0 {
			return
		}
		before := d.root.Clone()
		todo[0].make()
		if why := m.harm(r, before, d.root); why != "" {
			d.root = before
			m.left[r.code+" "+todo[0].pointer] = why
		}
		made[todo[0].pointer] = true
	}
}

// repairs returns the fixes of a rule that may be made.
func (m *fixer) repairs(r *rule, d document) []repair {
	p := newPass(r, d, m.kind, m.options)
	p.run()
	return slices.DeleteFunc(p.fixes, func(f repair) bool {
		return f.widens && !m.widens[r.code] || m.left[r.code+" "+f.pointer] != ""
	})
}

// harm is the guard's; what the document is, and not what it says, harms nobody.
func (m *fixer) harm(r *rule, before, after *tree.Node) string {
	if m.form(r.code) || r.neutral || string(before.JSON()) == string(after.JSON()) {
		return ""
	}
	return m.guard.harm(r, before, after)
}

// faults counts what is wrong with a fixed document that was not before, or
// that was to be fixed.
func (m *fixer) faults(fixed *tree.Node) int {
	n := 0
	for _, f := range m.judge(fixed) {
		if f.Severity == Error && !m.errors[f.Rule] || m.lasting[f.Rule] && !m.skip[f.Rule] && !m.leaves(f.Rule) {
			n++
		}
	}
	return n
}

// leaves reports whether a fix of the rule is not made.
func (m *fixer) leaves(code string) bool {
	for of := range m.left {
		if strings.HasPrefix(of, code+" ") {
			return true
		}
	}
	return false
}

// refused reports whether a fixed document has a principal that AWS does not know,
// so that it would not be stored.
func (m *fixer) refused(fixed *tree.Node) bool {
	return slices.ContainsFunc(m.judge(fixed), func(f Finding) bool { return f.Rule == principalMalformed.code && f.Severity == Error })
}

// judge finds what is wrong with a fixed document, read again.
func (m *fixer) judge(fixed *tree.Node) []Finding {
	d := document{root: fixed.Clone()}
	d.root.Locate("")
	found := judge(d, m.kind, m.options)
	return append(found, grammar(d, m.kind, m.options, found, nil)...)
}
