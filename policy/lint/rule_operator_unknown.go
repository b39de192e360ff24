package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operatorUnknown = rule{
	code: "operator-unknown", severity: Error,
	title: "there is no such condition operator",
	check: func(p *pass) {
		for _, s := range p.statements {
			block := s.Get("Condition")
			if block == nil {
				continue
			}
			for _, m := range block.Members {
				c := condition{operator: m.Name}
				if p.full() || slices.Contains(operators, c.base()) && c.rightSet() {
					continue
				}
				at := *m.Value
				at.At = m.At
				f := found{at: &at, message: quote(m.Name) + " is no condition operator", hint: "look the operator up in AWS's list of condition operators"}
				if near := strict.Nearest(c.base(), operators); near != "" && block.Get(near) == nil && !strings.Contains(m.Name, ":") {
					if strings.HasSuffix(m.Name, "IfExists") {
						near += "IfExists"
					}
					f.hint = "write " + near + ", if that is meant"
					f.widens = true
					f.fix = func() { m.Name = near }
				}
				p.report(f)
			}
		}
	},
}

// rightSet reports whether what stands before the operator's colon exists.
func (c condition) rightSet() bool {
	set, _, found := strings.Cut(c.operator, ":")
	return !found || set == "ForAllValues" || set == "ForAnyValue"
}

var operators = []string{
	"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
	"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
	"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
	"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "Null",
}
