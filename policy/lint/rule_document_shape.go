package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// What tools print around a policy, and statements without a document around
// them, are not what AWS takes.
var documentShape = rule{
	code: "document-shape", severity: Error,
	title: "the policy is wrapped, or its outer part is missing",
	check: func(p *pass) {
		for _, q := range p.quirks {
			if q.rule == p.code {
				p.report(found{at: &tree.Node{At: q.at}, message: q.text, hint: "keep only the policy itself; lint --fix leaves this file as it is", by: you})
			}
		}
		switch {
		case p.root == nil || p.root.Get("Statement") != nil:
		case policyIn(p.root) != p.root:
			inner := policyIn(p.root)
			p.report(found{
				at: p.root, message: "the policy stands inside of something else", hint: "keep only what " + inner.Pointer + " holds",
				fix: func() { p.root.Become(inner) },
			})
		case len(p.statements) > 0:
			enclose := func() {
				p.root.Become(tree.Object("Version", "2012-10-17", "Statement", &tree.Node{Kind: '[', At: -1, Items: p.root.Clone().Each()}))
			}
			if len(p.statements) < len(p.root.Each()) {
				enclose = nil // some are none
			}
			p.report(found{
				at: p.root, message: "these are statements without a document around them", hint: `write {"Version": "2012-10-17", "Statement": [...]} around them`,
				fix: enclose,
			})
		default:
			p.report(found{at: p.root, message: "this is no policy: it has no Statement", hint: `write a policy: {"Version": "2012-10-17", "Statement": [...]}`})
		}
	},
}

// shapeless reports whether the value has nothing that could be made a policy.
func shapeless(root *tree.Node) bool {
	return policyIn(root).Get("Statement") == nil && len(statementsOf(root)) == 0
}

// unwrap reads the policies that stand as text in what a tool printed, as in
// the answer of aws s3api get-bucket-policy.
func unwrap(n *tree.Node) {
	for _, item := range n.Items {
		unwrap(item)
	}
	for _, m := range n.Members {
		unwrap(m.Value)
		if m.Value.Kind != '"' || !strings.HasPrefix(strings.TrimSpace(m.Value.Text), "{") {
			continue
		}
		inside := &reader{source: m.Value.Text}
		inside.space()
		root := inside.value(1)
		inside.space()
		if !inside.broken && inside.at == len(inside.source) && len(inside.doc.quirks) == 0 && root.Get("Statement") != nil {
			moveTo(root, m.Value.At)
			m.Value = root
		}
	}
}

// moveTo places the value and all below it at one place of the source.
func moveTo(n *tree.Node, at int) {
	n.At = at
	for _, m := range n.Members {
		m.At = at
		moveTo(m.Value, at)
	}
	for _, item := range n.Items {
		moveTo(item, at)
	}
}
