package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
)

// Workers are programs: nobody enters a code for them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
var trustMFA = rule{
	code: "trust-mfa", severity: Error, strict: true,
	title: "a second factor is asked for, and workers have none",
	kinds: []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			vendor, others := p.trusted(s)
			if p.kind == policy.TrustDocument && s.allow && !vendor {
				continue // people of one's own
			}
			for _, c := range s.on(secondFactor...) {
				if s.allow && c.holdsWithout() || s.deny && p.exceptsRole(s) {
					continue
				}
				f := atKey(c, "asks for a second factor, and a vendor's workers have none")
				f.hint = "remove the condition; the external id takes its place"
				switch {
				case p.kind != policy.TrustDocument:
					f.severity = Warning
					f.hint = "except the role that workers assume, by ArnNotEquals on aws:PrincipalArn"
				case p.kit() == nil && len(s.on(externalID)) == 0:
					f.severity = Warning
					f.hint = "make another role for the vendor; this one seems to be for people"
				case s.allow && others && p.kit() != nil: // people may be named beside the vendor
				case s.allow:
					f.widens = true
					f.fix = func() { s.dropCondition(c) }
				}
				p.report(f)
			}
		}
	},
}

// exceptsRole reports whether a Deny leaves out the role that workers assume: the
// connection's, or without one whichever it names.
func (p *pass) exceptsRole(s *statement) bool {
	return slices.ContainsFunc(s.on("aws:PrincipalArn"), func(c condition) bool {
		return c.negated() && (p.kit() == nil || slices.ContainsFunc(c.values.Strings(), func(v string) bool { return glob(v, p.kit().Connection.RoleARN) }))
	})
}

var secondFactor = []string{"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"}
