package lint

import "strings"

// Effect is written with case.
var effectUnknown = rule{
	code: "effect-unknown", severity: Error,
	title: "Effect is neither Allow nor Deny",
	check: func(p *pass) {
		for _, s := range p.statements {
			effect := s.get("Effect")
			if s.allow || s.deny {
				continue
			}
			f := found{at: effect, message: quote(effect.text) + " is no effect", hint: "write Allow or Deny"}
			for _, right := range []string{"Allow", "Deny"} {
				if strings.HasPrefix(strings.ToLower(strings.TrimSpace(effect.text)), strings.ToLower(right)) {
					f.hint = "write " + right
					f.widens = right == "Allow"
					f.fix = func() { effect.become(text(right)) }
				}
			}
			p.report(f)
		}
	},
}
