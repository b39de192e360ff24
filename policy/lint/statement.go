package lint

import (
	"slices"
	"strings"
)

// statement is a view of a statement of the tree.
type statement struct {
	*node
	document *node // that it is in
	allow    bool
	deny     bool
}

// statementsOf gives the statements of a document, those that are objects.
func statementsOf(root *node) []*statement {
	root = policyIn(root)
	from := root.get("Statement")
	if from == nil {
		from = root // bare
	}
	var out []*statement
	for _, n := range from.each() {
		if n.kind == '{' && n.get("Effect") != nil {
			effect := n.get("Effect").text
			out = append(out, &statement{n, root, effect == "Allow", effect == "Deny"})
		}
	}
	return out
}

// allows gives the statements that allow.
func (p *pass) allows() []*statement {
	return slices.DeleteFunc(slices.Clone(p.statements), func(s *statement) bool { return !s.allow })
}

// denies tells whether a statement of the document denies.
func (p *pass) denies() bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool { return s.deny })
}

// actions gives the values of Action, none for a NotAction.
func (s *statement) actions() []*node { return s.get("Action").each() }

// resources gives the values of Resource.
func (s *statement) resources() []*node { return s.get("Resource").each() }

// principal is a value of the Principal element.
type principal struct {
	*node
	kind  string // AWS, Service, …; empty for "*" by itself
	owner *node  // the element
}

// principals gives the values of Principal.
func (s *statement) principals() []principal {
	element := s.get("Principal")
	if element == nil {
		return nil
	}
	if element.kind != '{' {
		return []principal{{element, "", element}}
	}
	var out []principal
	for _, m := range element.members {
		for _, v := range m.value.each() {
			out = append(out, principal{v, m.name, element})
		}
	}
	return out
}

// anyone tells whether the principal is everyone.
func (p principal) anyone() bool { return p.text == "*" && (p.kind == "" || p.kind == "AWS") }

// remove takes the values from the Principal element. It leaves the last.
func (s *statement) removePrincipals(values ...*node) {
	element := s.get("Principal")
	for _, m := range slices.Clone(element.members) {
		left := m.value.without(values...)
		switch {
		case left != nil:
			m.value = left
		case len(element.members) > 1:
			element.remove(m.name)
		}
	}
}

// condition is one key under one operator.
type condition struct {
	operator string
	key      string
	values   *node
	member   *member // the key's
	block    *member // the operator's
}

func (s *statement) conditions() []condition {
	block := s.get("Condition")
	if block == nil {
		return nil
	}
	var out []condition
	for _, operator := range block.members {
		for _, key := range operator.value.members {
			out = append(out, condition{operator.name, key.name, key.value, key, operator})
		}
	}
	return out
}

// on gives the conditions on a key.
func (s *statement) on(keys ...string) []condition {
	return slices.DeleteFunc(s.conditions(), func(c condition) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, c.key) })
	})
}

// dropCondition removes a condition, and what is empty then.
func (s *statement) dropCondition(c condition) {
	block := s.get("Condition")
	c.block.value.members = slices.DeleteFunc(c.block.value.members, func(m *member) bool { return m == c.member })
	if len(c.block.value.members) == 0 {
		block.members = slices.DeleteFunc(block.members, func(m *member) bool { return m == c.block })
	}
	if len(block.members) == 0 {
		s.remove("Condition")
	}
}

// addCondition adds a condition beside those that are there.
func (s *statement) addCondition(operator, key string, values *node) {
	block := s.get("Condition")
	if block == nil {
		block = object()
		s.set("Condition", block)
	}
	under := block.get(operator)
	if under == nil {
		under = object()
		block.set(operator, under)
	}
	under.set(key, values)
}

// moveCondition puts a condition under another operator, unless the key
// stands there already.
func (s *statement) moveCondition(c condition, operator string) {
	if other := s.get("Condition").get(operator); other != nil && other.get(c.key) != nil {
		return
	}
	s.dropCondition(c)
	s.addCondition(operator, c.key, c.values)
}

// base gives a condition operator without its ForAllValues or ForAnyValue and
// its IfExists.
func (c condition) base() string {
	name := strings.TrimSuffix(c.operator, "IfExists")
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// negated tells the operators that hold when nothing matches.
func (c condition) negated() bool { return strings.Contains(c.base(), "Not") }

// holdsWithout tells whether the condition holds for a request that does not
// have the key.
func (c condition) holdsWithout() bool {
	return strings.HasSuffix(c.operator, "IfExists") || strings.HasPrefix(c.operator, "ForAllValues:") ||
		c.negated() && !strings.HasPrefix(c.operator, "ForAnyValue:") ||
		c.base() == "Null" && slices.Contains(c.values.strings(), "true")
}

// canLose tells whether the statement can be removed, leaving others.
func (s *statement) canLose() bool {
	list := s.document.get("Statement")
	return list.kind == '[' && len(list.items) > 1
}

func (s *statement) removeSelf() {
	list := s.document.get("Statement")
	if s.canLose() {
		list.items = slices.DeleteFunc(list.items, func(n *node) bool { return n == s.node })
	}
}

// canLoseActions tells whether the actions can be removed, with the statement
// if no others are left.
func (s *statement) canLoseActions(actions ...*node) bool {
	return s.get("Action").without(actions...) != nil || s.canLose()
}

func (s *statement) removeActions(actions ...*node) {
	if left := s.get("Action").without(actions...); left != nil {
		s.set("Action", left)
	} else {
		s.removeSelf()
	}
}

// after puts a new statement behind this one.
func (s *statement) after(n *node) {
	list := s.document.get("Statement")
	if list.kind != '[' {
		list = &node{kind: '[', at: list.at, items: []*node{list}}
		s.document.set("Statement", list)
	}
	i := slices.Index(list.items, s.node)
	list.items = slices.Insert(list.items, i+1, n)
}

// addStatement puts a new statement at the end.
func (p *pass) addStatement(n *node) {
	root := policyIn(p.root)
	list := root.get("Statement")
	switch {
	case list == nil:
		return
	case list.kind != '[':
		list = &node{kind: '[', at: list.at, items: []*node{list}}
		root.set("Statement", list)
	}
	list.items = append(list.items, n)
}

// like gives a copy of the statement with other actions and resources, and
// without its Sid.
func (s *statement) like(actions, resources *node) *node {
	c := s.clone()
	c.remove("Sid")
	c.set("Action", actions)
	if resources != nil {
		c.set("Resource", resources)
	}
	return c
}
