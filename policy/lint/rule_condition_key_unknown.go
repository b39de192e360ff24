package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// IAM takes any name for a condition key of some services; one that does not
// exist is never there.
var conditionKeyUnknown = rule{
	code: "condition-key-unknown", severity: Error,
	title: "there is no such condition key",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				if !p.full() {
					p.unknownKey(c)
				}
			}
		}
	},
}

func (p *pass) unknownKey(c condition) {
	all := slices.Concat(catalog().keys, catalog().global)
	service, _, found := strings.Cut(strings.ToLower(c.key), ":")
	ours := service == "aws" || slices.Contains(catalog().services, service)
	tag, slash := strings.CutSuffix(c.key, "/")
	switch {
	case found && ours && (slash || !keyIn(all, c.key)) && keyIn(all, tag+"/team"): // aws:PrincipalTag/team
		f := atKey(c, "names no tag")
		f.hint = "write the tag's key behind it, as in " + tag + "/team"
		p.report(f)
		return
	case equalKey(c, "aws:ARN"):
		f := atKey(c, "is the old name of aws:PrincipalArn")
		f.hint, f.widens, f.fix = "write aws:PrincipalArn", true, func() { c.member.Name = "aws:PrincipalArn" }
		p.report(f)
		return
	case found && !ours:
		if message, hint := unknownService(service); message != "" && !strings.Contains(service, ".") && service != "saml" {
			f := atKey(c, message)
			f.severity, f.hint = Warning, hint
			p.report(f)
		}
		return
	case keyIn(all, c.key):
		return
	}
	f := atKey(c, "is no condition key that AWS listed by "+catalog().date)
	near := strict.Nearest(c.key, all)
	switch {
	case near != "" && !strings.ContainsAny(near, "*"):
		f.hint, f.widens = "write "+near+", if that is meant", true
		f.fix = func() { c.member.Name = near }
	case found:
		f.severity = Warning // it may be newer than the facts
	}
	p.report(f)
}

// atKey begins a finding at a condition's key.
func atKey(c condition, message string) found {
	at := *c.values
	at.At = c.member.At
	return found{at: &at, message: quote(c.key) + " " + message, hint: "look the key up in AWS's list of condition keys"}
}

func equalKey(c condition, key string) bool { return strings.EqualFold(c.key, key) }
