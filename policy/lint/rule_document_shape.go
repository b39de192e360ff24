package lint

import "strings"

// What tools print around a policy, and statements without a document around
// them, are not what AWS takes.
var documentShape = rule{
	code: "document-shape", severity: Error,
	title: "the policy is wrapped, or its outer part is missing",
	check: func(p *pass) {
		for _, q := range p.quirks {
			if q.rule == p.code {
				p.report(found{at: &node{at: q.at}, message: q.text, hint: "give what stands there, and no more; the file is left as it is"})
			}
		}
		switch {
		case p.root == nil || p.root.get("Statement") != nil:
		case policyIn(p.root) != p.root:
			inner := policyIn(p.root)
			p.report(found{
				at: p.root, message: "the policy stands inside of something else", hint: "give what " + inner.pointer + " holds, and no more",
				fix: func() { p.root.become(inner) },
			})
		case len(p.statements) > 0:
			enclose := func() {
				p.root.become(object("Version", "2012-10-17", "Statement", &node{kind: '[', at: -1, items: p.root.clone().each()}))
			}
			if len(p.statements) < len(p.root.each()) {
				enclose = nil // some are none
			}
			p.report(found{
				at: p.root, message: "these are statements without a document around them", hint: `write {"Version": "2012-10-17", "Statement": [...]} around them`,
				fix: enclose,
			})
		default:
			p.report(found{at: p.root, message: "this is no policy: it has no Statement", hint: `a policy is {"Version": "2012-10-17", "Statement": [...]}`})
		}
	},
}

// shapeless tells whether the value has nothing that could be made a policy.
func shapeless(root *node) bool {
	return policyIn(root).get("Statement") == nil && len(statementsOf(root)) == 0
}

// unwrap reads the policies that stand as text in what a tool printed, as in
// the answer of aws s3api get-bucket-policy.
func unwrap(n *node) {
	for _, item := range n.items {
		unwrap(item)
	}
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
