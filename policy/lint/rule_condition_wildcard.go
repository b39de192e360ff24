package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// StringEquals takes * and ? as they stand; in StringLike they have a meaning.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_String
var conditionWildcard = rule{
	code: "condition-wildcard", severity: Error,
	title: "a wildcard stands under an operator that takes it literally",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				like := map[string]string{"StringEquals": "StringLike", "StringNotEquals": "StringNotLike"}[c.base()]
				if kind, _ := typeOfKey(c.key); kind == "ARN" {
					like = strings.Replace(like, "String", "Arn", 1)
				}
				if like == "" || strings.EqualFold(c.key, externalID) || !slices.ContainsFunc(c.values.Each(), func(v *tree.Node) bool { return hasWildcard(v.Text) }) {
					continue
				}
				p.report(found{
					at: c.values, message: c.operator + " takes * and ? literally, so the value is never met",
					hint: "use the operator " + like, widens: true,
					fix: func() { s.moveCondition(c, strings.Replace(c.operator, c.base(), like, 1)) },
				})
			}
		}
	},
}

// hasWildcard reports whether a text has a * or ? outside of variables.
func hasWildcard(s string) bool {
	for {
		i := strings.IndexAny(s, "*?$")
		if i < 0 {
			return false
		}
		if s[i] != '$' {
			return true
		}
		if end := strings.IndexByte(s[i:], '}'); strings.HasPrefix(s[i:], "${") && end > 0 {
			s = s[i+end:]
		} else {
			s = s[i+1:]
		}
	}
}
