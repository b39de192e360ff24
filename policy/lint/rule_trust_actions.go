package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// Who assumes the role needs AssumeRole, and perhaps to tag the session.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
var trustActions = rule{
	code: "trust-actions", severity: Warning,
	title: "a trust policy allows more than to assume the role",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				known, _ := expand(a.text)
				if !strings.ContainsAny(a.text, "*?") || len(known) == 1 {
					continue
				}
				f := found{at: a, message: quote(a.text) + " allows every way into the role", hint: "allow sts:AssumeRole"}
				if s.trustsAWS() && s.assumes() {
					f.fix = func() { a.become(text("sts:AssumeRole")) }
				}
				p.report(f)
			}
		}
	},
}
