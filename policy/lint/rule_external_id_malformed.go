package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// STS refuses an external id of other characters or another length, so the
// condition is never met.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
var externalIDMalformed = rule{
	code: "external-id-malformed", severity: Error,
	title: "the external id is one that STS does not take",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			vendor, ids := p.idsFor(s)
			if !vendor {
				continue
			}
			for _, c := range s.on(externalID) {
				for _, v := range c.values.Each() {
					if takenBySTS(v.Text) || strings.HasPrefix(c.base(), "StringLike") && hasWildcard(v.Text) || c.base() == "Null" || placeholderForm.MatchString(v.Text) {
						continue
					}
					f := found{
						at: v, message: quote(v.Text) + " is no external id that STS takes, so nobody gets in",
						hint: "write 2 to 1224 letters, digits and _+=,.@:/- without spaces",
					}
					if ids != nil && !p.besideOurs(c) {
						f.widens = true
						f.fix = func() { c.member.Value = ids }
					}
					p.report(f)
				}
			}
		}
	},
}

// externalIDForm is STS's, without the length.
var externalIDForm = regexp.MustCompile(`^[\w+=,.@:/-]*$`)

// takenBySTS reports whether STS takes the external id.
func takenBySTS(id string) bool {
	return len(id) >= 2 && len(id) <= 1224 && externalIDForm.MatchString(id)
}
