package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// rounds bounds how often all fixes are tried: a fix can uncover a fault.
const rounds = 10

// fixDocument returns a copy of the document with the fixes made, or nil if there is
// nothing to fix. A fix that leaves the document with an error that it did not
// have, does not last, or lets everyone in is not made: its findings then say so.
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
	opened := m.opens(fixed)
	if left := m.faults(fixed); left > 0 {
		for _, code := range m.codes {
			m.skip[code] = true
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
	refused := m.refused(fixed)
	anyFixed := false
	for i := range findings {
		f := &findings[i]
		if f.Fixed && m.skip[f.Rule] && opened {
			f.Message += "; it is left as it is, since everyone would be let in"
		}
		if m.skip[f.Rule] || refused {
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
}

func newFixer(d document, kind policy.Kind, options Options, findings []Finding) *fixer {
	m := &fixer{
		document: d, kind: kind, options: options,
		widens: map[string]bool{}, errors: map[string]bool{}, lasting: map[string]bool{}, skip: map[string]bool{},
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
			code := allRules[i].code
			if m.skip[code] || m.only && !m.form(code) {
				continue
			}
			p := newPass(&allRules[i], d, m.kind, m.options)
			p.run()
			for _, f := range p.fixes {
				if !f.widens || m.widens[code] {
					f.make()
				}
			}
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

// faults counts what is wrong with a fixed document that was not before, or
// that was to be fixed.
func (m *fixer) faults(fixed *tree.Node) int {
	n := 0
	for _, f := range m.judge(fixed) {
		if f.Severity == Error && !m.errors[f.Rule] || m.lasting[f.Rule] && !m.skip[f.Rule] {
			n++
		}
	}
	if m.opens(fixed) {
		n++
	}
	return n
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
