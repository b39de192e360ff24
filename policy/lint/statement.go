package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// statement is a view of a statement of the tree.
type statement struct {
	*tree.Node
	document *tree.Node // that it is in
	allow    bool
	deny     bool
}

// statementsOf returns the statements of a document, those that are objects.
func statementsOf(root *tree.Node) []*statement {
	root = policyIn(root)
	from := root.Get("Statement")
	if from == nil {
		from = root // bare
	}
	var out []*statement
	for _, n := range from.Each() {
		if n.Kind == '{' && n.Get("Effect") != nil {
			effect := n.Get("Effect").Text
			out = append(out, &statement{n, root, effect == "Allow", effect == "Deny"})
		}
	}
	return out
}

// allows returns the statements that allow.
func (p *pass) allows() []*statement {
	return slices.DeleteFunc(slices.Clone(p.statements), func(s *statement) bool { return !s.allow })
}

// denies reports whether a statement of the document denies.
func (p *pass) denies() bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool { return s.deny })
}

// actions returns the values of Action, none for a NotAction.
func (s *statement) actions() []*tree.Node { return s.Get("Action").Each() }

// resources returns the values of Resource.
func (s *statement) resources() []*tree.Node { return s.Get("Resource").Each() }

// principal is a value of the Principal element.
type principal struct {
	*tree.Node
	kind  string     // AWS, Service, …; empty for "*" by itself
	owner *tree.Node // the element
}

// principals returns the values of Principal.
func (s *statement) principals() []principal {
	element := s.Get("Principal")
	if element == nil {
		return nil
	}
	if element.Kind != '{' {
		return []principal{{element, "", element}}
	}
	var out []principal
	for _, m := range element.Members {
		for _, v := range m.Value.Each() {
			out = append(out, principal{v, m.Name, element})
		}
	}
	return out
}

// anyone reports whether the principal is everyone.
func (p principal) anyone() bool { return p.Text == "*" && (p.kind == "" || p.kind == "AWS") }

// removePrincipals removes the values from the Principal element. It leaves the
// last.
func (s *statement) removePrincipals(values ...*tree.Node) {
	element := s.Get("Principal")
	for _, m := range slices.Clone(element.Members) {
		left := m.Value.Without(values...)
		switch {
		case left != nil:
			m.Value = left
		case len(element.Members) > 1:
			element.Remove(m.Name)
		}
	}
}

// condition is one key under one operator.
type condition struct {
	operator string
	key      string
	values   *tree.Node
	member   *tree.Member // the key's
	block    *tree.Member // the operator's
}

func (s *statement) conditions() []condition {
	block := s.Get("Condition")
	if block == nil {
		return nil
	}
	var out []condition
	for _, operator := range block.Members {
		for _, key := range operator.Value.Members {
			out = append(out, condition{operator.Name, key.Name, key.Value, key, operator})
		}
	}
	return out
}

// on returns the conditions on a key.
func (s *statement) on(keys ...string) []condition {
	return slices.DeleteFunc(s.conditions(), func(c condition) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, c.key) })
	})
}

// dropCondition removes a condition, and what is empty then.
func (s *statement) dropCondition(c condition) {
	block := s.Get("Condition")
	c.block.Value.Members = slices.DeleteFunc(c.block.Value.Members, func(m *tree.Member) bool { return m == c.member })
	if len(c.block.Value.Members) == 0 {
		block.Members = slices.DeleteFunc(block.Members, func(m *tree.Member) bool { return m == c.block })
	}
	if len(block.Members) == 0 {
		s.Remove("Condition")
	}
}

// addCondition adds a condition to those that are there.
func (s *statement) addCondition(operator, key string, values *tree.Node) {
	block := s.Get("Condition")
	if block == nil {
		block = tree.Object()
		s.Set("Condition", block)
	}
	under := block.Get(operator)
	if under == nil {
		under = tree.Object()
		block.Set(operator, under)
	}
	under.Set(key, values)
}

// moveCondition puts a condition under another operator, unless the key
// stands there already.
func (s *statement) moveCondition(c condition, operator string) {
	if other := s.Get("Condition").Get(operator); other != nil && other.Get(c.key) != nil {
		return
	}
	s.dropCondition(c)
	s.addCondition(operator, c.key, c.values)
}

// base returns a condition operator without its ForAllValues or ForAnyValue and
// its IfExists.
func (c condition) base() string {
	name := strings.TrimSuffix(c.operator, "IfExists")
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// negated reports whether the operator is true when nothing matches.
func (c condition) negated() bool { return strings.Contains(c.base(), "Not") }

// holdsWithout reports whether the condition is true for a request that does not
// have the key.
func (c condition) holdsWithout() bool {
	return strings.HasSuffix(c.operator, "IfExists") || strings.HasPrefix(c.operator, "ForAllValues:") ||
		c.negated() && !strings.HasPrefix(c.operator, "ForAnyValue:") ||
		c.base() == "Null" && slices.Contains(c.values.Strings(), "true")
}

// canLose reports whether the statement can be removed, leaving others.
func (s *statement) canLose() bool {
	list := s.document.Get("Statement")
	return list.Kind == '[' && len(list.Items) > 1
}

func (s *statement) removeSelf() {
	list := s.document.Get("Statement")
	if s.canLose() {
		list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool { return n == s.Node })
	}
}

// canLoseActions reports whether the actions can be removed, with the statement
// if no others are left.
func (s *statement) canLoseActions(actions ...*tree.Node) bool {
	return s.Get("Action").Without(actions...) != nil || s.canLose()
}

func (s *statement) removeActions(actions ...*tree.Node) {
	if left := s.Get("Action").Without(actions...); left != nil {
		s.Set("Action", left)
	} else {
		s.removeSelf()
	}
}

// insertAfter puts a new statement behind this one.
func (s *statement) insertAfter(n *tree.Node) {
	list := s.document.Get("Statement")
	if list.Kind != '[' {
		list = &tree.Node{Kind: '[', At: list.At, Items: []*tree.Node{list}}
		s.document.Set("Statement", list)
	}
	i := slices.Index(list.Items, s.Node)
	list.Items = slices.Insert(list.Items, i+1, n)
}

// addStatement puts a new statement at the end.
func (p *pass) addStatement(n *tree.Node) {
	root := policyIn(p.root)
	list := root.Get("Statement")
	switch {
	case list == nil:
		return
	case list.Kind != '[':
		list = &tree.Node{Kind: '[', At: list.At, Items: []*tree.Node{list}}
		root.Set("Statement", list)
	}
	list.Items = append(list.Items, n)
}

// copyWith returns a copy of the statement with other actions and resources, and
// without its Sid.
func (s *statement) copyWith(actions, resources *tree.Node) *tree.Node {
	c := s.Clone()
	c.Remove("Sid")
	c.Set("Action", actions)
	if resources != nil {
		c.Set("Resource", resources)
	}
	return c
}
