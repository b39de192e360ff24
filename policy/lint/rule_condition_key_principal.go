package lint

import "slices"

// serviceKeys are there only in requests that a service makes by itself.
var serviceKeys = []string{
	"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList",
}

// identityKeys are there only in requests of users and roles.
var identityKeys = []string{"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:username", "aws:userid"}

// A condition on a key that the requests of those named never have lets nobody
// in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceaccount
var conditionKeyPrincipal = rule{
	code: "condition-key-principal", severity: Error,
	title: "the principals' requests do not have the condition key",
	check: func(p *pass) {
		for _, s := range p.allows() {
			keys, whose, hint := serviceKeys, "AWS's services", "remove the condition; who may act for whom is said by sts:ExternalId in a trust policy"
			switch {
			case s.onlyOf("Service"):
				keys, whose, hint = identityKeys, "users and roles", "use aws:SourceAccount, aws:SourceArn or aws:SourceOrgID for a service"
			case !s.onlyOf("AWS"):
				continue
			}
			for _, c := range s.on(keys...) {
				if c.holdsWithout() {
					continue
				}
				f := atKey(c, "is there only in requests of "+whose+", so the statement never lets these principals in")
				f.hint = hint
				p.report(f)
			}
		}
	},
}

// onlyOf reports whether all principals are of a sort, and none is everyone.
func (s *statement) onlyOf(sort string) bool {
	named := s.principals()
	return len(named) > 0 && !slices.ContainsFunc(named, func(who principal) bool { return who.kind != sort || who.anyone() })
}
