package lint

// serviceKeys are there only in requests that a service makes by itself.
var serviceKeys = []string{
	"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList",
}

// A condition on a key that requests of users and roles never have lets nobody
// in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceaccount
var conditionKeyPrincipal = rule{
	code: "condition-key-principal", severity: Error,
	title: "the principals' requests do not have the condition key",
	check: func(p *pass) {
		for _, s := range p.allows() {
			named := s.principals()
			for _, who := range named {
				if who.kind != "AWS" || who.anyone() {
					named = nil
					break
				}
			}
			if len(named) == 0 {
				continue
			}
			for _, c := range s.on(serviceKeys...) {
				if c.holdsWithout() {
					continue
				}
				f := atKey(c, "is there only in requests of AWS's services, so the statement never lets these principals in")
				f.hint = "remove the condition; ask for sts:ExternalId in the role's trust policy instead"
				p.report(f)
			}
		}
	},
}
