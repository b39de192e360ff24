package lint

import "strings"

// A space at either end makes another value of it, and nobody sees it.
var valueSpace = rule{
	code: "value-space", severity: Error,
	title: "a value begins or ends with a space",
	check: func(p *pass) {
		for _, s := range p.statements {
			p.spaces(s.node)
		}
	},
}

func (p *pass) spaces(n *node) {
	for _, m := range n.members {
		p.spaces(m.value)
	}
	for _, item := range n.items {
		p.spaces(item)
	}
	if n.kind == '"' && strings.TrimSpace(n.text) != n.text {
		p.report(found{
			at: n, message: quote(n.text) + " begins or ends with a space, so it is another value than it looks like",
			hint: "remove the space", widens: true,
			fix: func() { n.become(text(strings.TrimSpace(n.text))) },
		})
	}
}
