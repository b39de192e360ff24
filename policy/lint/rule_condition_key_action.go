package lint

import "strings"

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
					if known := exact(a.text); known != nil && !known.hasKey(c.key) {
						without = append(without, a)
					}
				}
				if len(without) > 0 {
					p.keyless(s, c, without)
				}
			}
		}
	},
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
	case !s.allow:
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
