package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// JSON leaves open which of two members of one name counts; IAM refuses them,
// and condition keys of one name in different case too.
var memberTwice = rule{
	code: "member-twice", severity: Error, neutral: true,
	title: "a member is given twice",
	check: func(p *pass) {
		if p.root != nil {
			p.twice(p.root)
		}
		for _, s := range p.statements {
			seen := map[string]condition{}
			for _, c := range s.conditions() {
				of := c.operator + " " + strings.ToLower(c.key)
				if first, found := seen[of]; found && first.key != c.key {
					f := atKey(c, "is the same key as "+quote(first.key)+", in other capitals")
					f.hint = "write the values of both under one"
					p.report(f)
				}
				seen[of] = c
			}
		}
	},
}

func (p *pass) twice(n *tree.Node) {
	seen := map[string]*tree.Member{}
	for _, m := range n.Members {
		first := seen[m.Name]
		if first == nil {
			seen[m.Name] = m
			p.twice(m.Value)
			continue
		}
		at := *m.Value
		at.At = m.At
		f := found{at: &at, message: quote(m.Name) + " is given twice", hint: "keep one of the two"}
		if merged := merge(first.Value, m.Value); merged != nil {
			f.fix = func() {
				first.Value = merged
				for i, other := range n.Members {
					if other == m {
						n.Members = append(n.Members[:i:i], n.Members[i+1:]...)
						break
					}
				}
			}
		}
		p.report(f)
	}
	for _, item := range n.Items {
		p.twice(item)
	}
}

// merge makes one of two values if nothing is lost: equal ones, and objects
// without a name in common, as two blocks of one condition operator.
func merge(a, b *tree.Node) *tree.Node {
	if string(a.JSON()) == string(b.JSON()) {
		return a
	}
	if a.Kind != '{' || b.Kind != '{' {
		return nil
	}
	c := *a
	for _, m := range b.Members {
		if a.Get(m.Name) != nil {
			return nil
		}
		c.Members = append(c.Members[:len(c.Members):len(c.Members)], m)
	}
	return &c
}
