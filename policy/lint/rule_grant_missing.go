package lint

import (
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Grants that a connection asks for in addition to the least.
var grantMissing = rule{
	code: "grant-missing", severity: Warning,
	title: "a grant that the connection asks for is missing",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		if p.kit() == nil || p.root == nil || len(p.allows()) == 0 && p.denies() {
			return
		}
		for _, g := range p.kit().Optional {
			name := "s3:" + string(g)
			known := exact(name)
			if known == nil || p.granted(name) || len(p.statements) == 0 {
				continue
			}
			bucket, objects := p.connectionARNs()
			on := objects
			if known.onlyOnBuckets() {
				on = bucket
			}
			f := found{at: p.root, message: name + " is missing: " + g.Lost(), hint: "allow it on " + on, widens: true}
			if add := tree.Object("Effect", "Allow", "Action", name, "Resource", on); p.keepConditions(add) {
				f.fix = func() { p.addStatement(add) }
			}
			p.report(f)
		}
	},
}
