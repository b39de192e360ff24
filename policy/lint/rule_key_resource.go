package lint

import (
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// In a key's policy, "*" is the key itself and nothing else.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
var keyResource = rule{
	code: "key-resource", severity: Warning, strict: true,
	title: "a key policy names a resource other than *",
	kinds: []policy.Kind{policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, r := range s.resources() {
				if r.Text != "*" {
					p.report(found{
						at: r, message: "a key policy is about its own key only, and " + quote(r.Text) + " may be another",
						hint: `write "Resource": "*"; in a key policy that is the key`, widens: s.allow,
						fix: func() { s.Set("Resource", tree.Text("*")) },
					})
					break
				}
			}
		}
	},
}
