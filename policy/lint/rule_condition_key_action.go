package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A key that requests for the action do not have is never there: an Allow that
// asks for it is never met, a Deny that wants it otherwise always.
var conditionKeyAction = rule{
	code: "condition-key-action", severity: Error,
	title: "the action does not have the condition key",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				var without []*tree.Node
				for _, a := range s.actions() {
					if keyNever(a.Text, c.key) {
						without = append(without, a)
					}
				}
				if len(without) > 0 {
					p.keyless(s, c, without)
				} else if s.deny && c.holdsWithout() {
					p.alwaysDenied(s, c)
				}
			}
		}
	},
}

// keyNever reports whether no request for what the value of Action means has the
// condition key.
func keyNever(value, key string) bool {
	actions, _ := expand(value)
	return len(actions) > 0 && !slices.ContainsFunc(actions, func(a *action) bool { return a.hasKey(key) })
}

// alwaysDenied reports a wildcard of a Deny that means actions of the work
// which the condition was not written for.
func (p *pass) alwaysDenied(s *statement, c condition) {
	for _, a := range s.actions() {
		var denied []string
		for _, name := range append(p.needed(), "kms:Decrypt", "kms:GenerateDataKey") {
			if glob(strings.ToLower(a.Text), strings.ToLower(name)) && keyNever(name, c.key) {
				denied = append(denied, name)
			}
		}
		if len(denied) > 0 {
			p.report(found{
				at: a, severity: Warning, message: quote(c.key) + " is never there in requests for " + strings.Join(denied, ", ") + ", so they are always denied",
				hint: "name in Action only what the condition is meant for",
			})
		}
	}
}

func (p *pass) keyless(s *statement, c condition, actions []*tree.Node) {
	if c.holdsWithout() && s.allow {
		return // it does not hold the action back
	}
	names := strings.Join((&tree.Node{Kind: '[', Items: actions}).Strings(), ", ")
	f := atKey(c, "is never there in requests for "+names+", so the statement never speaks of them")
	f.hint = "give these actions a statement of their own without the condition"
	switch {
	case s.deny && c.holdsWithout():
		f.message = quote(c.key) + " is never there in requests for " + names + ", so they are always denied"
		f.severity = Warning
		f.hint = "remove these actions from the statement"
	case !s.allow || slices.ContainsFunc(actions, func(a *tree.Node) bool { return exact(a.Text) == nil }):
	case s.Get("Action").Without(actions...) != nil:
		f.widens = true
		f.fix = func() {
			if s.Get("Action").Without(actions...) == nil {
				return // moved for another key before
			}
			moved := s.copyWith(single((&tree.Node{Kind: '[', Items: actions}).Strings()), nil)
			narrow(moved, c)
			(&statement{Node: moved}).dropKey(c)
			s.Set("Action", s.Get("Action").Without(actions...))
			s.insertAfter(moved)
		}
	case narrow(s.Clone(), c):
		f.widens = true
		f.fix = func() {
			narrow(s.Node, c)
			s.dropKey(c)
		}
	}
	p.report(f)
}

// narrow puts the prefix that a statement about objects asks for by a condition
// on s3:prefix into its resources. It reports whether it could.
func narrow(s *tree.Node, c condition) bool {
	if !equalKey(c, "s3:prefix") || c.negated() {
		return false
	}
	onObjects := true
	for _, a := range s.Get("Action").Each() {
		known := exact(a.Text)
		onObjects = onObjects && known != nil && known.onlyOnObjects()
	}
	var out *tree.Node
	for _, r := range s.Get("Resource").Each() {
		bucket, all := strings.CutSuffix(r.Text, "/*")
		if t := targetOf(r.Text); t.bucket && !t.object {
			if !onObjects {
				out = out.Add(r.Text)
				continue
			}
			all = true
		}
		for _, prefix := range c.values.Strings() {
			if !all || strings.Contains(bucket, "/") || prefix == "" {
				return false
			}
			out = out.Add(bucket + "/" + strings.TrimSuffix(prefix, "*") + "*")
		}
	}
	if out == nil {
		return false
	}
	if len(out.Items) == 1 {
		out = out.Items[0]
	}
	s.Set("Resource", out)
	return true
}

// dropKey removes the condition of the same operator and key.
func (s *statement) dropKey(like condition) {
	for _, c := range s.conditions() {
		if c.operator == like.operator && c.key == like.key {
			s.dropCondition(c)
			return
		}
	}
}
