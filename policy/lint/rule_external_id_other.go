package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// The vendor sends the id that it made for the customer, and no other.
var externalIDOther = rule{
	code: "external-id-other", severity: Error,
	title: "the external id is not the connection's",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		if p.externalIDs() == nil {
			return
		}
		known := p.kit().ExternalIDs
		accepted := slices.ContainsFunc(p.allows(), func(s *statement) bool {
			vendor, _ := p.trusted(s)
			return vendor && slices.ContainsFunc(s.on(externalID), p.besideOurs)
		})
		for _, s := range p.allows() {
			vendor, ids := p.idsFor(s)
			if !vendor {
				continue
			}
			for _, c := range s.on(externalID) {
				if c.base() != "StringEquals" || slices.ContainsFunc(c.values.Strings(), func(v string) bool { return slices.Contains(known, v) }) {
					continue
				}
				if accepted && slices.ContainsFunc(s.principals(), principal.anyone) {
					continue // for others, who are limited otherwise
				}
				f := found{at: c.values, message: "the trust asks for another external id than this connection has", hint: "write the external id " + known[0], widens: true}
				if accepted {
					f.hint = "remove the statement if nobody sends " + strings.Join(c.values.Strings(), ", ") + "; another takes the connection's"
					f.severity, f.widens = Warning, false
				} else if ids != nil {
					f.fix = func() { c.member.Value = ids }
				}
				p.report(f)
			}
		}
	},
}
