package lint

import "strings"

// What tools print around a policy, and statements without a document around
// them, are not what AWS takes.
var documentShape = rule{
	code: "document-shape", severity: Error,
	title: "the policy is wrapped, or its outer part is missing",
	check: func(p *pass) {
		switch {
		case p.root == nil || p.root.kind == '{' && p.root.get("Statement") != nil:
		case policyIn(p.root) != p.root:
			inner := policyIn(p.root)
			p.report(found{
				at: p.root, message: "the policy stands inside of something else", hint: "give what " + inner.pointer + " holds, and no more",
				fix: func() { p.root.become(inner) },
			})
		case len(p.statements) > 0:
			p.report(found{
				at: p.root, message: "these are statements without a document around them", hint: `write {"Version": "2012-10-17", "Statement": [...]} around them`,
				fix: func() {
					whole := object("Version", "2012-10-17", "Statement", &node{kind: '[', at: -1})
					for _, s := range p.statements {
						whole.get("Statement").items = append(whole.get("Statement").items, s.node)
					}
					p.root.become(whole)
				},
			})
		default:
			p.report(found{at: p.root, message: "this is no policy: it has no Statement", hint: `a policy is {"Version": "2012-10-17", "Statement": [...]}`})
		}
	},
}

// unwrap reads the policies that stand as text in what a tool printed, as in
// the answer of aws s3api get-bucket-policy.
func unwrap(n *node) {
	for _, m := range n.members {
		unwrap(m.value)
		if m.value.kind != '"' || !strings.HasPrefix(strings.TrimSpace(m.value.text), "{") {
			continue
		}
		inside := &reader{source: m.value.text}
		inside.space()
		root := inside.value(1)
		inside.space()
		if !inside.broken && inside.at == len(inside.source) && len(inside.doc.quirks) == 0 && root.get("Statement") != nil {
			root.moveTo(m.value.at)
			m.value = root
		}
	}
}

// moveTo places the value and all below it at one place of the source.
func (n *node) moveTo(at int) {
	n.at = at
	for _, m := range n.members {
		m.at = at
		m.value.moveTo(at)
	}
	for _, item := range n.items {
		item.moveTo(at)
	}
}

// policyIn gives the document that the value is or, as tools print it, holds.
func policyIn(root *node) *node {
	level := []*node{root}
	for range 5 {
		var below []*node
		for _, n := range level {
			if n.get("Statement") != nil {
				return n
			}
			for _, m := range n.members {
				below = append(below, m.value)
			}
		}
		level = below
	}
	return root
}
