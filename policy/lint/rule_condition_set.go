package lint

import "strings"

// A key that has several values in a request needs ForAllValues or ForAnyValue.
// For any other key ForAllValues holds where the key is absent, too.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
var conditionSet = rule{
	code: "condition-set", severity: Error,
	title: "ForAllValues or ForAnyValue is missing, or has no place",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				set, _, _ := strings.Cut(c.operator, ":")
				kind, known := typeOfKey(c.key)
				switch {
				case c.base() == "Null" || equalKey(c, externalID):
				case kind == "Set" && set == c.operator:
					f := atKey(c, "can have several values in a request, and "+c.operator+" compares one")
					f.hint = "write ForAnyValue: or ForAllValues: before " + c.operator
					p.report(f)
				case kind != "Set" && known && set == "ForAllValues":
					f := atKey(c, "has one value in a request, and ForAllValues also takes requests that lack it")
					f.severity, f.hint = Warning, "remove ForAllValues:"
					p.report(f)
				case set == "ForAnyValue" && strings.HasSuffix(strings.ToLower(c.key), ":aud"):
					f := atKey(c, "is one audience for most providers, and ForAnyValue takes a token for others beside it")
					f.severity, f.hint = Warning, "remove ForAnyValue:, unless the provider's tokens have several audiences"
					p.report(f)
				}
			}
		}
	},
}
