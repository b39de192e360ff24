package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// IAM refuses members that it does not know, and case counts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
var elementUnknown = rule{
	code: "element-unknown", severity: Error,
	title: "an element is misspelt or does not exist",
	check: func(p *pass) {
		if p.root.get("Statement") != nil {
			p.elements(p.root, []string{"Version", "Id", "Statement"})
		}
		for _, s := range p.statements {
			p.elements(s.node, []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"})
			if element := s.get("Principal"); element != nil && element.kind == '{' {
				p.elements(element, []string{"AWS", "Service", "Federated", "CanonicalUser"})
			}
		}
	},
}

func (p *pass) elements(n *node, known []string) {
	for _, m := range n.members {
		if p.full() || slices.Contains(known, m.name) {
			continue
		}
		at := *m.value
		at.at = m.at
		f := found{at: &at, message: quote(m.name) + " is no element of a policy here", hint: "known here: " + strings.Join(known, ", ")}
		if near := strict.Nearest(m.name, known); near != "" && n.get(near) == nil {
			f.hint = "did you mean " + near + "?"
			f.widens = true
			f.fix = func() { m.name = near }
		}
		p.report(f)
	}
}
