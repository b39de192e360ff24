package lint

import (
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A policy of a resource says who.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var principalMissing = rule{
	code: "principal-missing", severity: Error, fills: true,
	title: "a policy of a resource does not say who",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			if s.Get("Principal") != nil || s.Get("NotPrincipal") != nil {
				continue
			}
			f := found{at: s.Node, message: "Principal is missing", hint: "name in Principal who is allowed or denied"}
			if ids := s.on(externalID); p.kit() != nil && p.kind == policy.TrustDocument && s.allow && (len(ids) == 0 || p.besideOurs(ids[0])) {
				f.widens = true
				f.fix = func() { s.Set("Principal", tree.Object("AWS", single(p.kit().Principals))) }
			}
			p.report(f)
		}
	},
}
