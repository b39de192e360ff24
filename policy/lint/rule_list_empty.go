package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A policy without statements, and a condition or principal without values. Elements that IAM does not store
// empty are left to document-grammar.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html, "Empty array" and "Empty object"
var listEmpty = rule{
	code: "list-empty", severity: Warning,
	title: "a condition, a principal or the policy has nothing in it",
	check: func(p *pass) {
		if p.root != nil {
			if list := policyIn(p.root).Get("Statement"); holdsNone(list) && list.Kind == '[' {
				p.report(found{at: list, severity: Error, message: "the policy has no statement", hint: "write a statement, or delete the policy"})
			}
		}
		for _, s := range p.statements {
			for _, name := range []string{"Principal", "NotPrincipal"} {
				if element := s.Get(name); holdsNone(element) {
					p.report(found{at: element, severity: Error, message: name + " names nobody", hint: "name who is meant in " + name + ", or remove the statement"})
				}
			}
			block := s.Get("Condition")
			if block == nil { // an empty one is what IAM's console writes for none
				continue
			}
			for _, operator := range block.Members {
				if operator.Value.Kind == '{' && len(operator.Value.Members) == 0 {
					p.report(found{at: operator.Value, message: operator.Name + " has no key, so it limits nothing", hint: "write a key and its values under " + operator.Name + ", or remove it"})
				}
			}
			for _, c := range s.conditions() {
				if holdsNone(c.values) {
					p.report(found{at: c.values, message: quote(c.key) + " has no values: " + c.withoutValues(), hint: "write the values of " + c.key})
				}
			}
		}
	},
}

// holdsNone reports whether a list, or an object of lists, holds no value.
func holdsNone(n *tree.Node) bool {
	switch {
	case n == nil:
		return false
	case n.Kind == '[':
		return len(n.Items) == 0
	case n.Kind != '{':
		return false
	}
	for _, m := range n.Members {
		if !holdsNone(m.Value) {
			return false
		}
	}
	return true
}

// withoutValues says what a condition with an empty list comes to.
func (c condition) withoutValues() string {
	switch {
	case strings.HasPrefix(c.operator, "ForAllValues:") || strings.HasSuffix(c.operator, "IfExists"):
		return "the condition holds only for requests that lack the key"
	case c.negated() && !strings.HasPrefix(c.operator, "ForAnyValue:"):
		return "the condition always holds, so it limits nothing"
	default:
		return "the condition never holds, so the statement does nothing"
	}
}
