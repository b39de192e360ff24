package lint

import "strings"

// A value that stands twice means nothing more.
var valueTwice = rule{
	code: "value-twice", severity: Note, neutral: true,
	title: "a value stands twice in a list",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, name := range []string{"Action", "NotAction", "Resource", "NotResource"} {
				element := s.get(name)
				seen := map[string]bool{}
				for _, v := range element.each() {
					key := v.text
					if strings.HasSuffix(name, "Action") {
						key = strings.ToLower(key)
					}
					if seen[key] {
						p.report(found{at: v, message: quote(v.text) + " stands in the list twice", hint: "once is enough", fix: func() { s.set(name, s.get(name).without(v)) }})
					}
					seen[key] = true
				}
			}
		}
	},
}
