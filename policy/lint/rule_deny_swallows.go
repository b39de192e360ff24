package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
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
		if *budget -= len(deny.actions()) + len(deny.resources()); allow.Get("Action") == nil && deny.swallows(allow) {
			p.report(found{at: allow.Node, message: "statement " + quote(nameOf(deny)) + " denies all that this one allows", hint: hint + "statement"})
			return
		}
	}
	var lost []*tree.Node
	var by []string
	for _, a := range allow.actions() {
		names, ok := deniedWhole(allow, a.Text, denies, budget)
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
			p.report(found{at: a, severity: Warning, message: strings.Join(by, " and ") + " denies " + quote(a.Text) + " on all that this statement names", hint: hint + "action"})
		}
	case len(by) == 1:
		p.report(found{at: allow.Node, message: by[0] + " denies all that this one allows", hint: hint + "statement"})
	default:
		p.report(found{at: allow.Node, message: strings.Join(by, " and ") + " together deny all that this one allows", hint: hint + "statement"})
	}
}

// deniedWhole reports whether Denies cover an action of the statement on each of
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
				return *budget >= 0 && deny.surelyDenies(allow, name, r)
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

// perValue returns the statement by itself for each value of the element, or as it is
// without values.
func (s *statement) perValue(element string) []*tree.Node {
	values := s.Get(element).Each()
	if len(values) == 0 {
		return []*tree.Node{s.Node}
	}
	var out []*tree.Node
	for _, v := range values {
		n := *s.Node
		n.Members = slices.Clone(s.Members)
		for i, m := range n.Members {
			if m.Name == element {
				n.Members[i] = &tree.Member{Name: m.Name, At: m.At, Value: v}
			}
		}
		out = append(out, &n)
	}
	return out
}

// surelyDenies reports whether the Deny surely covers the action on the resource of
// the Allow: each by a pattern of its own, by no condition that could fail, for
// the same or all principals.
func (s *statement) surelyDenies(allow *statement, action string, resource *tree.Node) bool {
	only := tree.Object("Action", action)
	return covers(s.Node, only, "Action", true) && covers(s.Node, resource, "Resource", false) && s.deniesAll(allow) && s.conditionsIn(allow, action)
}

// nameOf returns a statement's Sid or, without one, its place.
func nameOf(s *statement) string {
	if sid := s.Get("Sid"); sid != nil && sid.Text != "" {
		return sid.Text
	}
	return s.Pointer
}

// swallows reports the same of an Allow that has no Action.
func (s *statement) swallows(allow *statement) bool {
	return covers(s.Node, allow.Node, "Action", true) && covers(s.Node, allow.Node, "Resource", false) && s.deniesAll(allow) && s.conditionsIn(allow, "")
}

func covers(deny, allow *tree.Node, element string, fold bool) bool {
	wide, not, narrow := deny.Get(element), deny.Get("Not"+element), allow.Get(element)
	if wide == nil && not == nil {
		return element == "Resource"
	}
	if narrow == nil {
		return allow.Get("Not"+element) == nil && element == "Resource" || slices.Contains(wide.Strings(), "*")
	}
	for _, n := range narrow.Strings() {
		if fold {
			n = strings.ToLower(n)
		}
		match := func(pattern string) bool {
			if fold {
				pattern = strings.ToLower(pattern)
			}
			return glob(pattern, n)
		}
		if wide != nil && !slices.ContainsFunc(wide.Strings(), match) {
			return false
		}
		if not != nil && (strings.ContainsAny(n, "*?$") || slices.ContainsFunc(not.Strings(), match)) {
			return false
		}
	}
	return true
}

// deniesAll reports whether the Deny is for all whom the Allow is for.
func (s *statement) deniesAll(allow *statement) bool {
	if s.Get("NotPrincipal") != nil || allow.Get("NotPrincipal") != nil {
		return false
	}
	denied := s.principals()
	if len(denied) == 0 || slices.ContainsFunc(denied, principal.anyone) {
		return true
	}
	return string(s.Get("Principal").JSON()) == string(allow.Get("Principal").JSON())
}

// conditionsIn reports whether the Deny's conditions surely hold for the action:
// they stand at the Allow too, or ask for a key that the action never has and
// hold without it.
func (s *statement) conditionsIn(allow *statement, action string) bool {
	for _, c := range s.conditions() {
		if c.holdsWithout() && exact(action) != nil && keyNever(action, c.key) {
			continue
		}
		same := func(other condition) bool {
			return c.operator == other.operator && strings.EqualFold(c.key, other.key) && string(c.values.JSON()) == string(other.values.JSON())
		}
		if !slices.ContainsFunc(allow.conditions(), same) {
			return false
		}
	}
	return true
}
