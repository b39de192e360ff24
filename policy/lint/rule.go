package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// rule finds one kind of fault. Its code is the name of its page and of its
// cases.
type rule struct {
	code     string
	severity Severity
	title    string        // what is wrong, in a line
	kinds    []policy.Kind // of documents; empty: all
	check    func(*pass)
	neutral  bool // its fixes change nothing of what a document says
	closes   bool // its fixes take what is open to all, or what the rule is about: others may lose by them
	asksID   bool // its fixes let nobody in without an external id
	fills    bool // its fixes complete a statement by what the connection is
	strict   bool // its fixes let nobody do more, but the connection
}

// Rule is what is known of a rule without a document.
type Rule struct {
	Code     string
	Severity Severity // unless a finding says otherwise
	Title    string
}

// Rules returns all rules, in the order of their codes.
func Rules() []Rule {
	var out []Rule
	for _, r := range allRules {
		out = append(out, Rule{r.code, r.severity, r.title})
	}
	slices.SortFunc(out, func(a, b Rule) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// pass is one rule's work on one document.
type pass struct {
	*rule
	document
	kind       policy.Kind
	options    Options
	statements []*statement
	findings   []Finding
	fixes      []repair

	// For the last pass, which checks what the others left over.
	last  bool
	told  []Finding
	fixed *tree.Node // nil when there was nothing to fix
}

// repair is a fix to be made.
type repair struct {
	make    func()
	widens  bool
	pointer string // of the finding that it is for
}

// maxFindings is how many findings of one rule in one document are reported.
const maxFindings = 100

func newPass(r *rule, d document, kind policy.Kind, options Options) *pass {
	p := &pass{rule: r, document: d, kind: kind, options: options}
	if d.root != nil {
		p.statements = statementsOf(d.root)
	}
	return p
}

func (p *pass) run() {
	if len(p.kinds) == 0 || slices.Contains(p.kinds, p.kind) {
		p.check(p)
	}
}

// found is a finding to report.
type found struct {
	at       *tree.Node
	severity Severity // empty: the rule's
	message  string
	hint     string // what to do, after who acts
	by       string // who acts; empty: whose document it is
	fix      func() // nil: none
	widens   bool   // the fix allows more than before
	same     bool   // the fix changes nothing that is decided
}

// full reports whether no more findings are reported, so that none need be made.
func (p *pass) full() bool { return len(p.findings) == maxFindings }

func (p *pass) report(f found) {
	if p.full() {
		return
	}
	if f.severity == "" {
		f.severity = p.severity
	}
	if f.fix != nil && !p.neutral && !f.same && p.inDeny(f.at) {
		// Whoever wrote a Deny must say what it is to deny.
		why := "a Deny would deny more then"
		if p.deniesLess(f.at) {
			why = "a Deny would deny less then"
		}
		f.fix, f.message = nil, f.message+"; it is left as it is, since "+why
	}
	p.findings = append(p.findings, Finding{
		Rule: p.code, Severity: f.severity, Pointer: f.at.Pointer, Message: f.message, Hint: cmp.Or(f.by, p.owner()) + ": " + f.hint,
		Fixed: f.fix != nil, Widens: f.fix != nil && f.widens, at: max(f.at.At, 0),
	})
	if f.fix != nil {
		p.fixes = append(p.fixes, repair{f.fix, f.widens, f.at.Pointer})
	}
}

// Who acts on what a hint says.
const (
	customer = "Customer"
	operator = "Operator"
	you      = "You" // who pasted the text
)

// owner is who has the document: the worker's is the operator's.
func (p *pass) owner() string {
	switch p.kind {
	case "":
		return you
	case policy.WorkerDocument:
		return operator
	default:
		return customer
	}
}

// inDeny reports whether the value is part of a statement that denies.
func (p *pass) inDeny(n *tree.Node) bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool {
		made := s.Pointer == "" && s.Node != s.document // by a fix
		return s.deny && (n == s.Node || !made && n.Pointer != "" && strings.HasPrefix(n.Pointer+"/", s.Pointer+"/"))
	})
}

// deniesLess reports whether a correction at a place of a Deny makes it match
// less: what it excepts, and values that it denies all but.
func (p *pass) deniesLess(n *tree.Node) bool {
	for _, s := range p.statements {
		for _, element := range []string{"NotAction", "NotResource", "NotPrincipal"} {
			if within(n, s.Get(element)) {
				return true
			}
		}
		for _, c := range s.conditions() {
			if within(n, c.values) {
				return c.negated() || p.code == "condition-key-unknown" && c.holdsWithout()
			}
		}
	}
	return false
}

// within reports whether a value is in an element, or is it.
func within(n, element *tree.Node) bool {
	return element != nil && element.Pointer != "" && strings.HasPrefix(n.Pointer+"/", element.Pointer+"/")
}

// quirksOf reports what the reader noted for the rule. Writing the document
// fixes it, if it was read whole.
func (p *pass) quirksOf(hint string) {
	for _, q := range p.quirks {
		if q.rule != p.code {
			continue
		}
		var mend func()
		if p.root != nil {
			mend = func() {}
		}
		p.report(found{at: &tree.Node{At: q.at}, message: q.text, hint: hint, by: you, fix: mend})
	}
}

// sameLine reports whether two places are on one line of the source.
func (p *pass) sameLine(a, b int) bool {
	return !strings.Contains(p.source[a:b], "\n")
}

// kit returns what is known of the connection, or nil.
func (p *pass) kit() *policy.KitRequest { return p.options.Kit }
