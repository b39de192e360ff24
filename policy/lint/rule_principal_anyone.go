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
	code: "principal-anyone", severity: Error,
	title: "everyone is let in",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if s.limited() {
				continue
			}
			for _, principal := range s.principals() {
				if !principal.anyone() {
					continue
				}
				f := found{at: principal.Node, message: "everyone at AWS is let in", hint: "name the vendor's role, or your own"}
				if p.kind != policy.TrustDocument {
					f.severity, f.message = Warning, "everyone is let in, without any account"
					if p.kind == policy.KeyDocument {
						f.message = "everyone at AWS may use the key"
					}
				}
				if p.kind == policy.TrustDocument && p.kit() != nil {
					f.fix = func() { s.Set("Principal", tree.Object("AWS", single(p.kit().Principals))) }
				}
				p.report(f)
			}
		}
	},
}

// limited reports whether conditions say which principals, accounts, networks
// or organizations are meant.
func (s *statement) limited() bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		switch strings.ToLower(c.key) {
		case "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:userid", "aws:username",
			"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount",
			"s3:dataaccesspointaccount", "s3:dataaccesspointarn":
			return !c.holdsWithout()
		default:
			return false
		}
	})
}
