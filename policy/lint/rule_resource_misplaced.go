package lint

import "github.com/rolecall/rolecall/policy"

// A trust policy is about the role that it is attached to.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html
var resourceMisplaced = rule{
	code: "resource-misplaced", severity: Error,
	title: "a trust policy names a resource",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, name := range []string{"Resource", "NotResource"} {
				if element := s.Get(name); element != nil {
					p.report(found{
						at: element, message: "a trust policy takes no " + name, hint: "remove it; in a trust policy the role is the resource",
						fix: func() { s.Remove(name) }, widens: true,
					})
				}
			}
		}
	},
}
