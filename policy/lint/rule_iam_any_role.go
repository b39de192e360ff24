package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// Whoever can hand any role to a service has what the mightiest of them may do.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
var iamAnyRole = rule{
	code: "iam-any-role", severity: Warning,
	title: "any role can be handed to a service, or made for one",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.WorkerDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, of := range []struct{ action, key, what string }{
				{"iam:PassRole", "iam:PassedToService", "any role can be handed to any service"},
				{"iam:CreateServiceLinkedRole", "iam:AWSServiceName", "a role can be made for any service"},
			} {
				if !s.allowsAction(of.action) || !p.onEveryRole(s) || len(s.on(of.key)) > 0 {
					continue
				}
				at := s.Get("Resource")
				if at == nil {
					at = s.Get("NotResource")
				}
				p.report(found{
					at: at, message: of.action + " is allowed on a wildcard, so " + of.what,
					hint: "name the roles in Resource, or the services by " + of.key,
				})
				break // the same wildcard is at fault
			}
		}
	},
}

// allowsAction reports whether the statement's Action or NotAction has an action.
func (s *statement) allowsAction(name string) bool {
	if not := s.Get("NotAction"); not != nil {
		for _, a := range not.Each() {
			if glob(strings.ToLower(a.Text), strings.ToLower(name)) {
				return false
			}
		}
		return true
	}
	return s.grants(name) != nil
}

// onEveryRole reports whether the statement is about every role of an account or
// of a path that a star ends.
func (p *pass) onEveryRole(s *statement) bool {
	if s.Get("NotResource") != nil {
		return true
	}
	for _, r := range p.matching(s) {
		if r.Text == "*" {
			return true
		}
		if parts := strings.SplitN(r.Text, ":", 6); len(parts) == 6 && glob(parts[2], "iam") && glob(parts[5], "role/*") {
			return true
		}
	}
	return false
}
