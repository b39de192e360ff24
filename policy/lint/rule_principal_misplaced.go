package lint

import "github.com/rolecall/rolecall/policy"

// A policy of an identity is for whoever it is attached to.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var principalMisplaced = rule{
	code: "principal-misplaced", severity: Error,
	title: "a policy of a role or user names a principal",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.WorkerDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, name := range []string{"Principal", "NotPrincipal"} {
				if element := s.Get(name); element != nil {
					p.report(found{
						at: element, message: "a policy of a role or user takes no " + name, hint: "remove it, or attach the document to the resource",
						fix: func() { s.Remove(name) }, widens: true,
					})
				}
			}
		}
	},
}
