package lint

import (
	"strconv"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Sids name statements, so IAM wants each once.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
var sidTwice = rule{
	code: "sid-twice", severity: Error, neutral: true,
	title: "two statements have the same Sid",
	check: func(p *pass) {
		taken := map[string]bool{}
		for _, s := range p.statements {
			if sid := s.Get("Sid"); sid != nil {
				taken[sid.Text] = true
			}
		}
		seen := map[string]bool{}
		for _, s := range p.statements {
			sid := s.Get("Sid")
			if sid == nil || sid.Text == "" {
				continue
			}
			if !seen[sid.Text] {
				seen[sid.Text] = true
				continue
			}
			other := ""
			for i := 2; other == "" || taken[other]; i++ {
				other = sid.Text + strconv.Itoa(i)
			}
			taken[other] = true
			p.report(found{
				at: sid, message: "the Sid " + quote(sid.Text) + " stands at another statement too",
				hint: "give each statement a Sid of its own, or none", fix: func() { sid.Become(tree.Text(other)) },
			})
		}
	},
}
