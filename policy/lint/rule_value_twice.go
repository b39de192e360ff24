package lint

import "strings"

// A value that stands twice means nothing more.
var valueTwice = rule{
	code: "value-twice", severity: Note, neutral: true,
	title: "a value stands twice in a list",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, name := range []string{"Action", "NotAction", "Resource", "NotResource"} {
				element := s.Get(name)
				seen := map[string]bool{}
				for _, v := range element.Each() {
					key := v.Text
					if strings.HasSuffix(name, "Action") {
						key = strings.ToLower(key)
					}
					if seen[key] {
						p.report(found{at: v, message: quote(v.Text) + " stands in the list twice", hint: "remove one of them", fix: func() { s.Set(name, s.Get(name).Without(v)) }})
					}
					seen[key] = true
				}
			}
		}
	},
}
