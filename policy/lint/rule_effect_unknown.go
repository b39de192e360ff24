package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Effect is written with case.
var effectUnknown = rule{
	code: "effect-unknown", severity: Error,
	title: "Effect is neither Allow nor Deny",
	check: func(p *pass) {
		for _, s := range p.statements {
			effect := s.Get("Effect")
			if s.allow || s.deny {
				continue
			}
			f := found{at: effect, message: quote(effect.Text) + " is no effect", hint: "write Allow or Deny"}
			for _, right := range []string{"Allow", "Deny"} {
				if strings.HasPrefix(strings.ToLower(strings.TrimSpace(effect.Text)), strings.ToLower(right)) {
					f.hint = "write " + right
					f.widens = right == "Allow"
					f.fix = func() { effect.Become(tree.Text(right)) }
				}
			}
			p.report(f)
		}
	},
}
