package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
)

// What a condition asks for may be as it wants it: nobody knows here.
var accessDepends = rule{
	code: "access-depends", severity: Note,
	title: "whether the connection works depends on what is not known here",
	kinds: []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		if p.root == nil || !strings.Contains(string(p.root.JSON()), `"Condition"`) && !strings.Contains(string(p.root.JSON()), "${") {
			return // nothing that could hang on anything
		}
		for _, n := range p.needs() {
			if len(n.open) == 0 {
				continue
			}
			var what []string
			for _, key := range n.keys {
				if words := known.Words(key); words != "" {
					key += " (" + words + ")"
				}
				what = append(what, key)
			}
			p.report(found{
				at: p.root, message: strings.Join(n.open, ", ") + " on " + n.where + " depends on " + strings.Join(what, ", ") + ", which is not known here",
				hint: "run rolecall check, which asks AWS; the condition can stay as it is", by: operator,
			})
		}
	},
}
