package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
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
				known, _ := expand(a.Text)
				if !strings.ContainsAny(a.Text, "*?") || len(known) == 1 {
					continue
				}
				f := found{at: a, message: quote(a.Text) + " allows every way into the role", hint: "allow sts:AssumeRole"}
				if s.trustsAWS() && s.assumes() {
					f.fix = func() { a.Become(tree.Text("sts:AssumeRole")) }
				}
				p.report(f)
			}
		}
	},
}
