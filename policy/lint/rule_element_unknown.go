package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// IAM refuses members that it does not know, and case counts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
var elementUnknown = rule{
	code: "element-unknown", severity: Error,
	title: "an element is misspelt or does not exist",
	check: func(p *pass) {
		if p.root.Get("Statement") != nil {
			p.elements(p.root, []string{"Version", "Id", "Statement"})
		}
		for _, s := range p.statements {
			p.elements(s.Node, []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"})
			if element := s.Get("Principal"); element != nil && element.Kind == '{' {
				p.elements(element, []string{"AWS", "Service", "Federated", "CanonicalUser"})
			}
		}
	},
}

func (p *pass) elements(n *tree.Node, known []string) {
	for _, m := range n.Members {
		if p.full() || slices.Contains(known, m.Name) {
			continue
		}
		at := *m.Value
		at.At = m.At
		f := found{at: &at, message: quote(m.Name) + " is no element of a policy here", hint: "use one of " + strings.Join(known, ", ")}
		if near := strict.Nearest(m.Name, known); near != "" && n.Get(near) == nil {
			f.hint = "write " + near + ", if that is meant"
			f.widens = true
			f.fix = func() { m.Name = near }
		}
		p.report(f)
	}
}
