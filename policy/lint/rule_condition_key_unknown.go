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
				service, _, found := strings.Cut(strings.ToLower(c.key), ":")
				ours := service == "aws" || slices.Contains(catalog().services, service)
				if p.full() || found && !ours || keyIn(catalog().keys, c.key) || isGlobal(c.key) {
					continue
				}
				f := atKey(c, "is no condition key that AWS listed by "+catalog().date)
				all := slices.Concat(catalog().keys, catalog().global)
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
		}
	},
}

// atKey begins a finding at a condition's key.
func atKey(c condition, message string) found {
	at := *c.values
	at.At = c.member.At
	return found{at: &at, message: quote(c.key) + " " + message, hint: "look the key up in AWS's list of condition keys"}
}

func equalKey(c condition, key string) bool { return strings.EqualFold(c.key, key) }
