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
		budget := 1 << 17 // no document of more is attached anywhere
		var denies []*statement
		for _, s := range p.statements {
			if s.deny {
				denies = append(denies, s)
			}
		}
		for _, allow := range p.allows() {
			p.swallowed(allow, denies, &budget)
		}
	},
}

// swallowed reports the statement if Denies cover it, or those of its actions
// that they cover.
func (p *pass) swallowed(allow *statement, denies []*statement, budget *int) {
	const hint = "narrow the Deny to what it is meant for, or remove this "
	for _, deny := range denies {
		if *budget -= len(deny.actions()) + len(deny.resources()); allow.get("Action") == nil && deny.swallows(allow) {
			p.report(found{at: allow.node, message: "statement " + quote(nameOf(deny)) + " denies all that this one allows", hint: hint + "statement"})
			return
		}
	}
	var lost []*node
	var by []string
	for _, a := range allow.actions() {
		names, ok := deniedWhole(allow, a.text, denies, budget)
		if !ok {
			continue
		}
		lost = append(lost, a)
		for _, n := range names {
			if !slices.Contains(by, n) {
				by = append(by, n)
			}
		}
	}
	switch {
	case *budget < 0 || len(lost) == 0:
	case len(lost) < len(allow.actions()):
		for _, a := range lost {
			p.report(found{at: a, severity: Warning, message: strings.Join(by, " and ") + " denies " + quote(a.text) + " on all that this statement names", hint: hint + "action"})
		}
	case len(by) == 1:
		p.report(found{at: allow.node, message: by[0] + " denies all that this one allows", hint: hint + "statement"})
	default:
		p.report(found{at: allow.node, message: strings.Join(by, " and ") + " together deny all that this one allows", hint: hint + "statement"})
	}
}

// deniedWhole tells whether Denies cover an action of the statement on each of
// its resources, and which.
func deniedWhole(allow *statement, value string, denies []*statement, budget *int) (by []string, ok bool) {
	names := []string{value}
	if actions, _ := expand(value); len(actions) > 0 {
		names = nil
		for _, a := range actions {
			names = append(names, a.name)
		}
	}
	for _, name := range names {
		for _, r := range allow.perValue("Resource") {
			i := slices.IndexFunc(denies, func(deny *statement) bool {
				*budget -= 1 + len(deny.actions()) + len(deny.resources())
				return *budget >= 0 && deny.takesBack(allow, name, r)
			})
			if i < 0 {
				return nil, false
			}
			if n := "statement " + quote(nameOf(denies[i])); !slices.Contains(by, n) {
				by = append(by, n)
			}
		}
	}
	return by, true
}

// perValue gives the statement by itself for each value of the element, or as it is
// without values.
func (s *statement) perValue(element string) []*node {
	values := s.get(element).each()
	if len(values) == 0 {
		return []*node{s.node}
	}
	var out []*node
	for _, v := range values {
		n := *s.node
		n.members = slices.Clone(s.members)
		for i, m := range n.members {
			if m.name == element {
				n.members[i] = &member{m.name, m.at, v}
			}
		}
		out = append(out, &n)
	}
	return out
}

// takesBack tells whether the Deny surely covers the action on the resource of
// the Allow: each by a pattern of its own, by no condition that could fail, for
// the same or all principals.
func (s *statement) takesBack(allow *statement, action string, resource *node) bool {
	only := object("Action", action)
	return covers(s.node, only, "Action", true) && covers(s.node, resource, "Resource", false) && s.deniesAll(allow) && s.conditionsIn(allow, action)
}

// nameOf gives a statement's Sid or, without one, its place.
func nameOf(s *statement) string {
	if sid := s.get("Sid"); sid != nil && sid.text != "" {
		return sid.text
	}
	return s.pointer
}

// swallows tells the same of an Allow that has no Action.
func (s *statement) swallows(allow *statement) bool {
	return covers(s.node, allow.node, "Action", true) && covers(s.node, allow.node, "Resource", false) && s.deniesAll(allow) && s.conditionsIn(allow, "")
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

// conditionsIn tells whether the Deny's conditions surely hold for the action:
// they stand at the Allow too, or ask for a key that the action never has and
// hold without it.
func (s *statement) conditionsIn(allow *statement, action string) bool {
	for _, c := range s.conditions() {
		if c.holdsWithout() && keyIn(catalog().keys, c.key) && !isGlobal(c.key) && exact(action) != nil && allow.keyNever(action, c.key) {
			continue
		}
		same := func(other condition) bool {
			return c.operator == other.operator && strings.EqualFold(c.key, other.key) && string(c.values.json("")) == string(other.values.json(""))
		}
		if !slices.ContainsFunc(allow.conditions(), same) {
			return false
		}
	}
	return true
}
