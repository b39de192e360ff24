package lint

// All but the named: what AWS adds later is allowed too.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
var notAction = rule{
	code: "not-action", severity: Warning,
	title: "an Allow names what it does not allow",
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, name := range []string{"NotAction", "NotResource", "NotPrincipal"} {
				if element := s.Get(name); element != nil {
					f := found{
						at: element, message: "an Allow with " + name + " allows everything else, and what AWS adds later",
						hint: "name in Action, Resource or Principal what is meant",
					}
					if name == "NotPrincipal" {
						f.severity, f.message = Error, "NotPrincipal with Allow would let in everyone else, and AWS does not support it"
						f.hint = "name in Principal who is allowed"
					}
					p.report(f)
				}
			}
		}
	},
}
