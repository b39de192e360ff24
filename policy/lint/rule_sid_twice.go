package lint

import "strconv"

// Sids name statements, so IAM wants each once.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
var sidTwice = rule{
	code: "sid-twice", severity: Error, neutral: true,
	title: "two statements have the same Sid",
	check: func(p *pass) {
		taken := map[string]bool{}
		for _, s := range p.statements {
			if sid := s.get("Sid"); sid != nil {
				taken[sid.text] = true
			}
		}
		seen := map[string]bool{}
		for _, s := range p.statements {
			sid := s.get("Sid")
			if sid == nil || sid.text == "" {
				continue
			}
			if !seen[sid.text] {
				seen[sid.text] = true
				continue
			}
			other := ""
			for i := 2; other == "" || taken[other]; i++ {
				other = sid.text + strconv.Itoa(i)
			}
			taken[other] = true
			p.report(found{
				at: sid, message: "the Sid " + quote(sid.text) + " stands at another statement too",
				hint: "give each statement its own, or none", fix: func() { sid.become(text(other)) },
			})
		}
	},
}
