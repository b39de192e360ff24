package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// What a role can do, someone who takes over its session can do.
var s3Unneeded = rule{
	code: "s3-unneeded", severity: Note,
	title: "an action is allowed that the work does not need",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				known := exact(a.Text)
				if known == nil || !strings.HasPrefix(known.name, "s3:") || aclActions[known.name] ||
					slices.Contains(p.needed(), known.name) || p.optional(known.name) {
					continue
				}
				f := found{
					at: a, message: known.name + " is needed neither to fetch nor to deliver",
					hint: "remove it, unless the role has other work",
				}
				if known.level != "read" && known.level != "list" {
					f.severity = Warning
				}
				if p.kit() != nil && p.withinConnection(s) && s.canLoseActions(a) {
					f.message = known.name + " is not needed for this connection"
					f.fix = func() { s.removeActions(a) }
				}
				p.report(f)
			}
		}
	},
}
