package lint

// JSON leaves open which of two members of one name counts; IAM refuses them.
var memberTwice = rule{
	code: "member-twice", severity: Error, neutral: true,
	title: "a member is given twice",
	check: func(p *pass) {
		if p.root != nil {
			p.twice(p.root)
		}
	},
}

func (p *pass) twice(n *node) {
	seen := map[string]*member{}
	for _, m := range n.members {
		first := seen[m.name]
		if first == nil {
			seen[m.name] = m
			p.twice(m.value)
			continue
		}
		at := *m.value
		at.at = m.at
		f := found{at: &at, message: quote(m.name) + " is given twice", hint: "make one of the two"}
		if merged := merge(first.value, m.value); merged != nil {
			f.fix = func() {
				first.value = merged
				for i, other := range n.members {
					if other == m {
						n.members = append(n.members[:i:i], n.members[i+1:]...)
						break
					}
				}
			}
		}
		p.report(f)
	}
	for _, item := range n.items {
		p.twice(item)
	}
}

// merge makes one of two values if nothing is lost: equal ones, and objects
// without a name in common, as two blocks of one condition operator.
func merge(a, b *node) *node {
	if string(a.json("")) == string(b.json("")) {
		return a
	}
	if a.kind != '{' || b.kind != '{' {
		return nil
	}
	c := *a
	for _, m := range b.members {
		if a.get(m.name) != nil {
			return nil
		}
		c.members = append(c.members[:len(c.members):len(c.members)], m)
	}
	return &c
}
