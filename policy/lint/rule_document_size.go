package lint

import (
	"strconv"
	"strings"
)

// AWS counts a document without its white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
var documentSize = rule{
	code: "document-size", severity: Error,
	title: "the document is larger than AWS takes",
	check: func(p *pass) {
		const hint = "name prefixes instead of objects, use * for a common part, or divide the document"
		p.quirksOf(hint)
		if p.root == nil {
			return
		}
		size, limit := len(policyIn(p.root).JSON()), p.kind.Limit()
		if size > limit {
			p.report(found{
				at: p.root, message: "it has " + strconv.Itoa(size) + " characters without white space, and AWS takes " + strconv.Itoa(limit) + " in a " + strings.TrimSuffix(string(p.kind), "s") + " policy",
				hint: hint,
			})
		}
	},
}
