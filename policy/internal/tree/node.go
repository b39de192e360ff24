// Package tree is a policy's JSON as it was written: in order, with names that
// repeat, and with the place of each value.
//
// Parse reads JSON strictly. What people paste is read by package lint, which
// builds the same nodes. What is not changed is written as it was read.
package tree

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// Node is a JSON value.
type Node struct {
	Kind    byte   // one of { [ " 0 t n: object, list, string, number, bool, null
	Text    string // of a string its value; of a number, bool or null its text
	Source  string // all of it, as Parse read it; empty where it was made
	Members []*Member
	Items   []*Node
	At      int    // where it begins in the source; -1 where it was made
	Pointer string // set by Locate
}

// Member is a member of an object.
type Member struct {
	Name  string
	At    int
	Value *Node
}

// Text makes a string.
func Text(s string) *Node { return &Node{Kind: '"', Text: s, At: -1} }

// List makes a list of strings.
func List(values ...string) *Node {
	n := &Node{Kind: '[', At: -1}
	for _, v := range values {
		n.Items = append(n.Items, Text(v))
	}
	return n
}

// Object makes an object of names and values in turn. A value is a string or a
// node.
func Object(pairs ...any) *Node {
	n := &Node{Kind: '{', At: -1}
	for i := 0; i < len(pairs); i += 2 {
		value, ok := pairs[i+1].(*Node)
		if !ok {
			value = Text(pairs[i+1].(string))
		}
		n.Members = append(n.Members, &Member{pairs[i].(string), -1, value})
	}
	return n
}

// What names the kind of a value in a message.
func (n *Node) What() string {
	switch n.Kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't':
		return "true or false"
	default:
		return "null"
	}
}

// member returns the first member of the name, or nil.
func (n *Node) member(name string) *Member {
	if n == nil {
		return nil
	}
	for _, m := range n.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Get returns the value of the first member of the name, or nil.
func (n *Node) Get(name string) *Node {
	if m := n.member(name); m != nil {
		return m.Value
	}
	return nil
}

// Fold returns the first member of the name in any case, as condition keys may
// be written, or nil.
func (n *Node) Fold(name string) *Member {
	if n != nil {
		for _, m := range n.Members {
			if strings.EqualFold(m.Name, name) {
				return m
			}
		}
	}
	return nil
}

// Set sets the value of a member, in its place or at the end. A nil value changes
// nothing: a statement without its actions would be another statement.
func (n *Node) Set(name string, value *Node) {
	switch m := n.member(name); {
	case value == nil:
	case m != nil:
		m.Value = value
	default:
		n.Members = append(n.Members, &Member{name, -1, value})
	}
}

// Rename changes the name and value of a member in its place.
func (n *Node) Rename(from, to string, value *Node) {
	m := n.member(from)
	m.Name, m.Value = to, value
}

// Remove removes all members of the name.
func (n *Node) Remove(name string) {
	n.Members = slices.DeleteFunc(n.Members, func(m *Member) bool { return m.Name == name })
}

// Become makes n the other value where it stands.
func (n *Node) Become(other *Node) {
	at, pointer := n.At, n.Pointer
	*n = *other.Clone()
	n.At, n.Pointer = at, pointer
}

// Clone copies the value and all below it.
func (n *Node) Clone() *Node {
	c := *n
	c.Members, c.Items = nil, nil
	for _, m := range n.Members {
		c.Members = append(c.Members, &Member{m.Name, m.At, m.Value.Clone()})
	}
	for _, item := range n.Items {
		c.Items = append(c.Items, item.Clone())
	}
	return &c
}

// Each returns the items of a list, or the value itself if it is none.
func (n *Node) Each() []*Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == '[':
		return n.Items
	default:
		return []*Node{n}
	}
}

// Strings returns the texts of Each.
func (n *Node) Strings() []string {
	var out []string
	for _, item := range n.Each() {
		out = append(out, item.Text)
	}
	return out
}

// Without returns the value less the items, or nil when nothing is left.
func (n *Node) Without(items ...*Node) *Node {
	var left []*Node
	for _, item := range n.Each() {
		if !slices.Contains(items, item) {
			left = append(left, item)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if n.Kind != '[' {
		return n
	}
	c := *n
	c.Items = left
	return &c
}

// Add returns a list of the value's items and those further ones that it lacks,
// in any case.
func (n *Node) Add(values ...string) *Node {
	out := &Node{Kind: '[', At: -1, Items: slices.Clone(n.Each())}
	if n != nil {
		out.At = n.At
	}
	for _, v := range values {
		if !slices.ContainsFunc(out.Items, func(i *Node) bool { return strings.EqualFold(i.Text, v) }) {
			out.Items = append(out.Items, Text(v))
		}
	}
	return out
}

// Statements returns a document's list of statements; a single one becomes a
// list. It is nil where there is none.
func (n *Node) Statements() *Node {
	s := n.Get("Statement")
	if s != nil && s.Kind != '[' {
		s = &Node{Kind: '[', At: s.At, Items: []*Node{s}}
		n.Set("Statement", s)
	}
	return s
}

// Modern reports whether a document has the version in which variables, and
// what escapes wildcards, have a meaning.
func (n *Node) Modern() bool {
	return slices.Equal(n.Get("Version").Strings(), []string{"2012-10-17"})
}

// Follow returns the value at a JSON pointer, nil where nothing is.
func (n *Node) Follow(pointer string) *Node {
	for _, part := range Parts(pointer) {
		if n == nil || n.Kind != '[' {
			n = n.Get(part)
			continue
		}
		i, err := strconv.Atoi(part)
		if err != nil || i < 0 || i >= len(n.Items) {
			return nil
		}
		n = n.Items[i]
	}
	return n
}

// Parts are the reference tokens of a JSON pointer.
func Parts(pointer string) []string {
	if pointer == "" {
		return nil
	}
	out := strings.Split(pointer[1:], "/")
	for i, p := range out {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return out
}

// Locate sets the pointers of the value and all below it.
func (n *Node) Locate(pointer string) {
	n.Pointer = pointer
	for _, m := range n.Members {
		m.Value.Locate(pointer + strict.Pointer(m.Name))
	}
	for i, item := range n.Items {
		item.Locate(pointer + strict.Pointer(i))
	}
}

// Words are the texts of the value and of all below it.
func (n *Node) Words() []string {
	if n == nil {
		return nil
	}
	if n.Kind != '{' && n.Kind != '[' {
		return []string{n.Text}
	}
	var out []string
	for _, m := range n.Members {
		out = append(out, m.Value.Words()...)
	}
	for _, item := range n.Items {
		out = append(out, item.Words()...)
	}
	return out
}
