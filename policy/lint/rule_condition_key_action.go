package lint

import (
	"slices"
	"strings"
)

// A key that requests for the action do not have is never there: an Allow that
// asks for it is never met, a Deny that wants it otherwise always.
var conditionKeyAction = rule{
	code: "condition-key-action", severity: Error,
	title: "the action does not have the condition key",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				if !keyIn(catalog().keys, c.key) || isGlobal(c.key) {
					continue // unknown, or of services that are not in the facts
				}
				var without []*node
				for _, a := range s.actions() {
					if s.keyNever(a.text, c.key) {
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

// keyNever tells whether no request for what the value of Action means has the
// condition key. What is asked for together with sts:AssumeRole is judged by
// the same request.
func (s *statement) keyNever(value, key string) bool {
	actions, _ := expand(value)
	if strings.HasPrefix(strings.ToLower(key), "sts:") && s.assumes() {
		actions = slices.DeleteFunc(slices.Clone(actions), func(a *action) bool { return withAssumeRole[a.name] })
	}
	return len(actions) > 0 && !slices.ContainsFunc(actions, func(a *action) bool { return a.hasKey(key) })
}

var withAssumeRole = map[string]bool{"sts:TagSession": true, "sts:SetSourceIdentity": true, "sts:SetContext": true}

// alwaysDenied reports a wildcard of a Deny that means actions of the work
// which the condition was not written for.
func (p *pass) alwaysDenied(s *statement, c condition) {
	for _, a := range s.actions() {
		var denied []string
		for _, name := range append(p.needed(), "kms:Decrypt", "kms:GenerateDataKey") {
			if glob(strings.ToLower(a.text), strings.ToLower(name)) && s.keyNever(name, c.key) {
				denied = append(denied, name)
			}
		}
		if len(denied) > 0 {
			p.report(found{
				at: a, severity: Warning, message: quote(c.key) + " is never there in requests for " + strings.Join(denied, ", ") + ", so they are always denied",
				hint: "name the actions that the condition is meant for",
			})
		}
	}
}

func (p *pass) keyless(s *statement, c condition, actions []*node) {
	if c.holdsWithout() && s.allow {
		return // it does not hold the action back
	}
	names := strings.Join((&node{kind: '[', items: actions}).strings(), ", ")
	f := atKey(c, "is never there in requests for "+names+", so the statement never speaks of them")
	f.hint = "give these actions a statement without the condition"
	switch {
	case s.deny && c.holdsWithout():
		f.message = quote(c.key) + " is never there in requests for " + names + ", so they are always denied"
		f.severity = Warning
		f.hint = "leave these actions out of the statement"
	case !s.allow || slices.ContainsFunc(actions, func(a *node) bool { return exact(a.text) == nil }):
	case s.get("Action").without(actions...) != nil:
		f.widens = true
		f.fix = func() {
			if s.get("Action").without(actions...) == nil {
				return // moved for another key before
			}
			moved := s.like(one((&node{kind: '[', items: actions}).strings()), nil)
			narrow(moved, c)
			(&statement{node: moved}).dropKey(c)
			s.set("Action", s.get("Action").without(actions...))
			s.after(moved)
		}
	case narrow(s.clone(), c):
		f.widens = true
		f.fix = func() {
			narrow(s.node, c)
			s.dropKey(c)
		}
	}
	p.report(f)
}

// narrow gives a statement about objects the prefix in its resources that it
// asked for by a condition on s3:prefix. It tells whether it could.
func narrow(s *node, c condition) bool {
	if !equalKey(c, "s3:prefix") || c.negated() {
		return false
	}
	onObjects := true
	for _, a := range s.get("Action").each() {
		known := exact(a.text)
		onObjects = onObjects && known != nil && known.onlyOnObjects()
	}
	var out *node
	for _, r := range s.get("Resource").each() {
		bucket, all := strings.CutSuffix(r.text, "/*")
		if t := targetOf(r.text); t.bucket && !t.object {
			if !onObjects {
				out = out.add(r.text)
				continue
			}
			all = true
		}
		for _, prefix := range c.values.strings() {
			if !all || strings.Contains(bucket, "/") || prefix == "" {
				return false
			}
			out = out.add(bucket + "/" + strings.TrimSuffix(prefix, "*") + "*")
		}
	}
	if out == nil {
		return false
	}
	if len(out.items) == 1 {
		out = out.items[0]
	}
	s.set("Resource", out)
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
