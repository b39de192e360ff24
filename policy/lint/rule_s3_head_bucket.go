package lint

import "strings"

// There is an operation HeadBucket and no action of its name: ListBucket
// allows the operation.
var s3HeadBucket = rule{
	code: "s3-head-bucket", severity: Error,
	title: "s3:HeadBucket is not an action",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, a := range s.actions() {
				if strings.EqualFold(a.Text, "s3:HeadBucket") {
					p.replaceAction(s, a, "s3:ListBucket", "s3:HeadBucket is not an action, so this allows nothing",
						"write s3:ListBucket, which allows the operation HeadBucket")
				}
			}
		}
	},
}
