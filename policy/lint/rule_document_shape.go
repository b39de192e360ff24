package lint

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
