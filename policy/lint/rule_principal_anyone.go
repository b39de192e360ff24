package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// "*" is everyone who has an account at AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-anonymous
var principalAnyone = rule{
	code: "principal-anyone", severity: Error, closes: true,
	title: "everyone is let in",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if s.limited() || p.limitedByDeny(s) {
				continue
			}
			for _, principal := range s.principals() {
				if !principal.anyone() {
					continue
				}
				f := found{at: principal.Node, message: "everyone at AWS is let in", hint: "name the vendor's role, or your own"}
				if p.kind != policy.TrustDocument {
					f.hint = "name a role of your own" // the vendor's role comes in through it
					f.message = "everyone is let in, without any account"
					if s.onlyReads() {
						f.severity = Warning // some buckets are meant to be public
					}
					if p.kind == policy.KeyDocument {
						f.severity, f.message = Error, "everyone at AWS may use the key"
					}
				}
				if p.kind == policy.TrustDocument && p.kit() != nil && !s.meansSome() && !p.asksOtherID(s) {
					f.fix = func() { s.onlyNamed(p.kit().Principals) }
				}
				p.report(f)
			}
		}
	},
}

// limitedByDeny reports whether a Deny refuses everyone but those whom its conditions
// name, all that the statement allows.
func (p *pass) limitedByDeny(allow *statement) bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool {
		if s.allow || s.Get("NotPrincipal") != nil || len(s.conditions()) != 1 {
			return false
		}
		c := s.conditions()[0]
		limit := limits[strings.ToLower(c.key)]
		if limit == nil || !c.negated() || !c.holdsWithout() || slices.ContainsFunc(c.values.Strings(), func(v string) bool { return !limit(v) }) {
			return false
		}
		return slices.ContainsFunc(s.principals(), principal.anyone) && covers(s.Node, allow.Node, "Action", true) && covers(s.Node, allow.Node, "Resource", false)
	})
}

// asksOtherID reports whether the statement asks for an external id that is not the
// connection's: it is for whoever has that.
func (p *pass) asksOtherID(s *statement) bool {
	return slices.ContainsFunc(s.on(externalID), func(c condition) bool {
		return slices.ContainsFunc(c.values.Strings(), func(id string) bool { return !slices.Contains(p.kit().ExternalIDs, id) })
	})
}

// meansSome reports whether a condition says who is meant, if not well: these may be
// others.
func (s *statement) meansSome() bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		return limits[strings.ToLower(c.key)] != nil && c.matches() && !slices.ContainsFunc(c.values.Strings(), func(v string) bool { return strings.Trim(v, "*?:") == "" })
	})
}

// onlyNamed puts principals in the place of everyone, beside those who are named.
func (s *statement) onlyNamed(arns []string) {
	element := s.Get("Principal")
	if element.Kind != '{' {
		s.Set("Principal", tree.Object("AWS", single(arns)))
		return
	}
	var all []*tree.Node
	for _, who := range s.principals() {
		if who.anyone() {
			all = append(all, who.Node)
		}
	}
	if left := element.Get("AWS").Without(all...); left != nil {
		element.Set("AWS", left.Add(arns...))
	} else {
		element.Set("AWS", single(arns))
	}
}

// onlyReads reports whether the statement allows nothing but to read and list.
func (s *statement) onlyReads() bool {
	for _, a := range s.actions() {
		actions, known := expand(a.Text)
		if !known || slices.ContainsFunc(actions, func(a *action) bool { return a.level != "read" && a.level != "list" }) {
			return false
		}
	}
	return len(s.actions()) > 0
}
