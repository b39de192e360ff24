package lint

import (
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// All but trust policies say on what.
var resourceMissing = rule{
	code: "resource-missing", severity: Error, fills: true,
	title: "a statement does not say on what",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.WorkerDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			if s.Get("Resource") != nil || s.Get("NotResource") != nil {
				continue
			}
			f := found{at: s.Node, message: "Resource is missing", hint: "name in Resource what the statement is about"}
			bucket, objects := p.connectionARNs()
			switch {
			case p.kind == policy.KeyDocument:
				f.hint = `write "Resource": "*", which is the key`
				f.widens = true
				f.fix = func() { s.Set("Resource", tree.Text("*")) }
			case bucket != "" && p.kind != policy.WorkerDocument:
				f.widens = true
				f.fix = func() { s.Set("Resource", tree.List(bucket, objects)) }
			}
			p.report(f)
		}
	},
}
