package lint

import (
	"slices"
	"strings"
)

// A Deny wins over every Allow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
var denySwallows = rule{
	code: "deny-swallows", severity: Error,
	title: "a Deny takes back all that a statement allows",
	check: func(p *pass) {
		work := 0
		for _, allow := range p.allows() {
			for _, deny := range p.statements {
				work += 1 + len(allow.actions())*len(deny.actions()) + len(allow.resources())*len(deny.resources())
				if work > 1<<17 {
					return // no document of such a size is attached anywhere
				}
				if !deny.deny || !deny.swallows(allow) {
					continue
				}
				p.report(found{
					at: allow.node, message: "statement " + quote(nameOf(deny)) + " denies all that this one allows",
					hint: "narrow the Deny to what it is meant for, or remove this statement",
				})
				break
			}
		}
	},
}

// nameOf gives a statement's Sid or, without one, its place.
func nameOf(s *statement) string {
	if sid := s.get("Sid"); sid != nil && sid.text != "" {
		return sid.text
	}
	return s.pointer
}

// swallows tells whether the Deny surely covers the Allow: each action and
// resource by a pattern of its own, by no other conditions, for the same or all
// principals.
func (s *statement) swallows(allow *statement) bool {
	return covers(s.node, allow.node, "Action", true) && covers(s.node, allow.node, "Resource", false) &&
		s.deniesAll(allow) && s.conditionsIn(allow)
}

func covers(deny, allow *node, element string, fold bool) bool {
	wide, not, narrow := deny.get(element), deny.get("Not"+element), allow.get(element)
	if wide == nil && not == nil {
		return element == "Resource"
	}
	if narrow == nil {
		return allow.get("Not"+element) == nil && element == "Resource" || slices.Contains(wide.strings(), "*")
	}
	for _, n := range narrow.strings() {
		if fold {
			n = strings.ToLower(n)
		}
		match := func(pattern string) bool {
			if fold {
				pattern = strings.ToLower(pattern)
			}
			return glob(pattern, n)
		}
		if wide != nil && !slices.ContainsFunc(wide.strings(), match) {
			return false
		}
		if not != nil && (strings.ContainsAny(n, "*?$") || slices.ContainsFunc(not.strings(), match)) {
			return false
		}
	}
	return true
}

// deniesAll tells whether the Deny speaks of all whom the Allow speaks of.
func (s *statement) deniesAll(allow *statement) bool {
	if s.get("NotPrincipal") != nil || allow.get("NotPrincipal") != nil {
		return false
	}
	denied := s.principals()
	if len(denied) == 0 || slices.ContainsFunc(denied, principal.anyone) {
		return true
	}
	return string(s.get("Principal").json("")) == string(allow.get("Principal").json(""))
}

// conditionsIn tells whether the Deny's conditions all stand at the Allow too.
func (s *statement) conditionsIn(allow *statement) bool {
	for _, c := range s.conditions() {
		same := func(other condition) bool {
			return c.operator == other.operator && strings.EqualFold(c.key, other.key) && string(c.values.json("")) == string(other.values.json(""))
		}
		if !slices.ContainsFunc(allow.conditions(), same) {
			return false
		}
	}
	return true
}
