package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// The use of a key is allowed on the key, not on what is encrypted under it.
// https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
var kmsResource = rule{
	code: "kms-resource", severity: Error,
	title: "the use of a key is allowed on resources that are no keys",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			var wrong []*tree.Node
			for _, a := range s.actions() {
				known := exact(a.Text)
				if known != nil && strings.HasPrefix(known.name, "kms:") && len(known.resources) > 0 {
					wrong = append(wrong, a)
				}
			}
			if len(wrong) == 0 || len(s.resources()) == 0 || s.namesKMS() {
				continue
			}
			for i, a := range wrong {
				f := found{
					at: a, message: quote(a.Text) + " works on KMS keys, and the statement names none, so it allows nothing",
					hint: "move it to a statement whose Resource is the key's ARN", widens: true,
				}
				switch key := p.key(); {
				case key == "":
				case i == 0:
					f.fix = func() { s.divide(wrong, []part{{actions: textsOf(wrong), resources: []string{key}}}) }
				default:
					f.fix = func() {} // made with the first
				}
				p.report(f)
			}
		}
	},
}

// namesKMS reports whether one of the statement's resources can match a key or an
// alias, or is no ARN that could be judged.
func (s *statement) namesKMS() bool {
	for _, r := range s.resources() {
		if parts := strings.SplitN(r.Text, ":", 6); len(parts) < 6 || glob(parts[2], "kms") {
			return true
		}
	}
	return false
}
