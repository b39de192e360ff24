package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A space at either end makes another value of it, and nobody sees it.
var valueSpace = rule{
	code: "value-space", severity: Error,
	title: "a value begins or ends with a space",
	check: func(p *pass) {
		for _, s := range p.statements {
			p.spaces(s.Node)
		}
	},
}

func (p *pass) spaces(n *tree.Node) {
	for _, m := range n.Members {
		p.spaces(m.Value)
	}
	for _, item := range n.Items {
		p.spaces(item)
	}
	if n.Kind == '"' && strings.TrimSpace(n.Text) != n.Text {
		p.report(found{
			at: n, message: quote(n.Text) + " begins or ends with a space, so it is another value than it looks like",
			hint: "remove the space", widens: true,
			fix: func() { n.Become(tree.Text(strings.TrimSpace(n.Text))) },
		})
	}
}
