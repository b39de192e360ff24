package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Only StringEquals takes the one id and no other: a wildcard takes any,
// IfExists and negations take none at all, IgnoreCase takes near misses.
var externalIDOpen = rule{
	code: "external-id-open", severity: Error, asksID: true,
	title: "the condition on the external id lets others through",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			_, ids := p.idsFor(s)
			for _, c := range s.on(externalID) {
				why := p.openID(c)
				if why == "" {
					continue
				}
				f := found{at: c.values, message: c.operator + " on sts:ExternalId " + why, hint: "use StringEquals with the exact external id in sts:ExternalId"}
				switch {
				case ids != nil:
					f.fix = func() {
						s.dropCondition(c)
						s.addCondition("StringEquals", externalID, ids)
					}
				case p.kit() == nil && !c.negated() && c.base() != "Null" && !slices.ContainsFunc(c.values.Each(), func(v *tree.Node) bool { return strings.ContainsAny(v.Text, "*?") }):
					f.fix = func() { s.moveCondition(c, "StringEquals") }
				}
				p.report(f)
			}
		}
	},
}

func (p *pass) openID(c condition) string {
	wildcard := slices.ContainsFunc(c.values.Each(), func(v *tree.Node) bool { return hasWildcard(v.Text) })
	switch {
	case c.negated():
		return "takes every id but the named, and none at all"
	case c.base() == "Null":
		return "asks only whether there is one, and takes any"
	case c.holdsWithout():
		return "also takes a request without any id"
	case c.base() == "StringLike" && wildcard:
		return "takes every id that fits the wildcard"
	case c.base() == "StringEqualsIgnoreCase":
		return "also takes the id in other case, which is another customer's to have"
	default:
		return ""
	}
}
