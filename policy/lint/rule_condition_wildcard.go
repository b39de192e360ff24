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
				like, foldsCase := likes[c.base()], strings.HasSuffix(c.base(), "IgnoreCase")
				if kind, _ := typeOfKey(c.key); kind == "ARN" {
					like = strings.Replace(like, "String", "Arn", 1)
				}
				if like == "" || strings.EqualFold(c.key, externalID) || strings.EqualFold(c.key, ifNoneMatch) || !slices.ContainsFunc(c.values.Each(), func(v *tree.Node) bool { return hasWildcard(v.Text) }) {
					continue
				}
				like = strings.Replace(c.operator, c.base(), like, 1)
				f := found{
					at: c.values, message: c.operator + " takes * and ? literally, so the value is never met",
					hint: "use the operator " + like, widens: true,
					fix: func() { s.moveCondition(c, like) },
				}
				if foldsCase {
					f.hint, f.fix = "use the operator "+like+", with the value in its own upper and lower case", nil
				}
				p.report(f)
			}
		}
	},
}

// likes are the operators that take wildcards, by those that take them literally.
var likes = map[string]string{
	"StringEquals": "StringLike", "StringNotEquals": "StringNotLike", "StringEqualsIgnoreCase": "StringLike", "StringNotEqualsIgnoreCase": "StringNotLike",
}

// ifNoneMatch is the key of a header whose only value is a star.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
const ifNoneMatch = "s3:if-none-match"

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
