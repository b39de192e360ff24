package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Policies of IAM take letters and digits in a Sid; those of buckets and keys
// take more.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
var sidCharacters = rule{
	code: "sid-characters", severity: Error, neutral: true,
	title: "a Sid has characters that IAM refuses",
	kinds: []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.WorkerDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			sid := s.Get("Sid")
			if sid == nil {
				continue
			}
			plain := strings.Map(func(c rune) rune {
				if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
					return c
				}
				return -1
			}, sid.Text)
			if plain == sid.Text {
				continue
			}
			p.report(found{
				at: sid, message: "the Sid " + quote(sid.Text) + " has other characters than letters and digits",
				hint: "use A-Z, a-z and 0-9 only", fix: func() {
					if plain == "" {
						s.Remove("Sid")
					} else {
						sid.Become(tree.Text(plain))
					}
				},
			})
		}
	},
}
