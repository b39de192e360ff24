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
					f := found{at: element, message: "a policy of a role or user takes no " + name, hint: "remove it, or attach the document to the resource"}
					if p.onlyRole(s) { // what is for somebody else would be the role's then
						f.widens = true
						f.fix = func() { s.Remove(name) }
					}
					p.report(f)
				}
			}
		}
	},
}

// onlyRole reports whether a statement is for the connection's role and nobody else or,
// without a connection, for whoever the document is attached to.
func (p *pass) onlyRole(s *statement) bool {
	named := s.principals()
	if len(named) != 1 || s.Get("NotPrincipal") != nil {
		return false
	}
	return p.kit() == nil && named[0].anyone() || p.kit() != nil && named[0].Text == p.kit().Connection.RoleARN
}
