package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Each condition key has a type, and each operator compares values of one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var conditionType = rule{
	code: "condition-type", severity: Warning,
	title: "an operator is not one for the type of its key or values",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				p.mixedValues(c)
				kind, known := typeOfKey(c.key)
				if !known || c.base() == "Null" || kind == "Address" && !strings.HasPrefix(c.base(), "Numeric") { // condition-value's
					continue
				}
				if right := fittingOperator(kind, c); right != "" {
					p.misfit(s, c, kind, right)
				}
			}
		}
	},
}

// fittingOperator returns the operators that a key of the type takes, empty if
// the condition's is one.
func fittingOperator(kind string, c condition) string {
	base, text := c.base(), strings.HasPrefix(c.base(), "String")
	switch {
	case kind == "ARN" && strings.HasSuffix(base, "Like") && text:
		return strings.Replace(base, "String", "Arn", 1)
	case kind == "ARN" && (text || strings.HasPrefix(base, "Arn")), kind == "Bool" && base == "Bool",
		kind == "Number" && strings.HasPrefix(base, "Numeric"), kind == "Date" && strings.HasPrefix(base, "Date"),
		equalKey(c, "aws:EpochTime") && strings.HasPrefix(base, "Numeric"):
		return ""
	case kind == "Bool":
		return "Bool"
	case kind == "Number":
		return "NumericEquals or its like"
	case kind == "Date":
		return "DateGreaterThan, DateLessThan or their like"
	case kind == "Address":
		return "IpAddress"
	case kind == "ARN":
		return "ArnLike"
	case text, base == "BinaryEquals":
		return ""
	case strings.HasPrefix(base, "Arn") && !slices.ContainsFunc(c.values.Strings(), func(v string) bool { return !strings.HasPrefix(v, "arn:") }):
		return "" // some keys hold ARNs as text: an encryption context
	default:
		return "StringEquals or StringLike"
	}
}

var typeNames = map[string]string{
	"": "text", "Set": "text", "Bool": "true or false", "Number": "a number", "Date": "a date", "Address": "an address", "ARN": "an ARN",
}

func (p *pass) misfit(s *statement, c condition, kind, right string) {
	f := found{
		at: c.values, message: quote(c.key) + " is " + typeNames[kind] + ", and " + c.operator + " is not for that",
		hint: "use " + right,
	}
	values := c.values.Strings()
	rename := func() { s.moveCondition(c, strings.Replace(c.operator, c.base(), right, 1)) }
	switch {
	case kind == "ARN" && strings.HasPrefix(c.base(), "String"):
		f.message = c.operator + " lets a * stand for several parts of an ARN, and " + right + " for a part only"
		if !c.negated() && !slices.ContainsFunc(values, func(v string) bool { return strings.Count(v, ":") < 5 }) {
			f.fix = rename
		}
	case kind == "Bool" && c.base() == "StringEquals" && !slices.ContainsFunc(values, func(v string) bool { return v != "true" && v != "false" }):
		f.fix, f.same = rename, true
	}
	p.report(f)
}

// mixedValues reports values of one key that JSON writes in several ways.
func (p *pass) mixedValues(c condition) {
	items := c.values.Items
	if !slices.ContainsFunc(items, func(v *tree.Node) bool { return v.Kind != items[0].Kind }) ||
		slices.ContainsFunc(items, func(v *tree.Node) bool { return v.Kind == '{' || v.Kind == '[' }) {
		return
	}
	p.report(found{
		at: c.values, severity: Error, message: "the values of " + quote(c.key) + " are of several JSON types", hint: "write all values as texts, in quotes",
		same: true, fix: func() {
			for _, v := range items {
				v.Become(tree.Text(v.Text))
			}
		},
	})
}
