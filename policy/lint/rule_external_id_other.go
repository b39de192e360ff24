package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
)

// The vendor sends the id that it made for the customer, and no other.
var externalIDOther = rule{
	code: "external-id-other", severity: Error,
	title: "the external id is not the connection's",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		id := p.externalIDs()
		if id == nil {
			return
		}
		ids := p.kit().ExternalIDs
		for _, s := range p.allows() {
			for _, c := range s.on(externalID) {
				if c.base() != "StringEquals" || slices.ContainsFunc(c.values.Strings(), func(v string) bool { return slices.Contains(ids, v) }) {
					continue
				}
				p.report(found{
					at: c.values, message: "the trust asks for another external id than this connection has",
					hint: "write the external id " + ids[0], widens: true, fix: func() { c.member.Value = id },
				})
			}
		}
	},
}
