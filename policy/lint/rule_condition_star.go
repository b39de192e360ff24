package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A condition that any value meets only asks that there be one.
var conditionStar = rule{
	code: "condition-star", severity: Warning,
	title: "a condition is met by any value",
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, c := range s.conditions() {
				all := "*"
				if c.base() == "ArnLike" || c.base() == "ArnEquals" { // which compare each part by itself
					all = "arn:*:*:*:*:*"
				} else if c.base() != "StringLike" {
					continue
				}
				if equalKey(c, externalID) || equalKey(c, "s3:prefix") {
					continue
				}
				if i := slices.IndexFunc(c.values.Each(), func(v *tree.Node) bool { return v.Text == all }); i >= 0 {
					p.report(found{
						at: c.values.Each()[i], message: all + " is met by every value of " + c.key + ", so the condition holds nothing back",
						hint: "write the values that are meant, or remove the condition",
					})
				}
			}
		}
	},
}
