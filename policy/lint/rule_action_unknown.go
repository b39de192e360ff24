package lint

import (
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// IAM takes any name for an action; one that does not exist allows nothing.
var actionUnknown = rule{
	code: "action-unknown", severity: Error,
	title: "there is no such action",
	check: func(p *pass) {
		for _, s := range p.statements {
			values := s.actions()
			if len(values) == 0 {
				values = s.Get("NotAction").Each()
			}
			for _, a := range values {
				actions, known := expand(a.Text)
				service, name, named := strings.Cut(strings.ToLower(a.Text), ":")
				if message, hint := unknownService(service); named && message != "" {
					p.report(found{at: a, severity: Warning, message: quote(a.Text) + " " + message, hint: hint})
					continue
				}
				if p.full() || !known || len(actions) > 0 || service == "s3" && (name == "headbucket" || s3Operations[name] != "") {
					continue
				}
				p.unknownAction(s, a, service)
			}
		}
	},
}

func (p *pass) unknownAction(s *statement, a *tree.Node, service string) {
	near := strict.Nearest(a.Text, catalog().names[service])
	f := found{at: a, message: quote(a.Text) + " is not an action, so it allows nothing", hint: "look the action up in AWS's list of the actions of " + service}
	if near == "" {
		// It may be newer than the facts.
		f.severity = Warning
		f.message = quote(a.Text) + " is no action that AWS listed by " + catalog().date
		p.report(f)
		return
	}
	f.hint = "write " + near + ", if that is meant"
	f.widens = true
	f.fix = func() { a.Become(tree.Text(near)) }
	p.report(f)
}
