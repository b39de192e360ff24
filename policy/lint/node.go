package lint

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// node is a value of a document as it was read. Fixes change it in place.
type node struct {
	kind    byte   // one of { [ " 0 t n: object, array, string, number, bool, null
	text    string // of a string its value; of a number, bool or null its text
	members []*member
	items   []*node
	at      int    // where it begins in the source; -1 when a fix made it
	pointer string // set by locate
}

type member struct {
	name  string
	at    int
	value *node
}

func text(s string) *node { return &node{kind: '"', text: s, at: -1} }

func list(values ...string) *node {
	n := &node{kind: '[', at: -1}
	for _, v := range values {
		n.items = append(n.items, text(v))
	}
	return n
}

// object makes an object of names and values in turn.
func object(pairs ...any) *node {
	n := &node{kind: '{', at: -1}
	for i := 0; i < len(pairs); i += 2 {
		value, ok := pairs[i+1].(*node)
		if !ok {
			value = text(pairs[i+1].(string))
		}
		n.members = append(n.members, &member{pairs[i].(string), -1, value})
	}
	return n
}

// get gives the value of the first member of the name, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// set gives a member a value, in its place or at the end. A nil value changes
// nothing: a statement without its actions would be another statement.
func (n *node) set(name string, value *node) {
	if value == nil {
		return
	}
	for _, m := range n.members {
		if m.name == name {
			m.value = value
			return
		}
	}
	n.members = append(n.members, &member{name, -1, value})
}

func (n *node) remove(name string) {
	n.members = slices.DeleteFunc(n.members, func(m *member) bool { return m.name == name })
}

// become makes n the other value where it stands.
func (n *node) become(other *node) {
	at := n.at
	*n = *other.clone()
	n.at = at
}

func (n *node) clone() *node {
	c := *n
	c.members, c.items = nil, nil
	for _, m := range n.members {
		c.members = append(c.members, &member{m.name, m.at, m.value.clone()})
	}
	for _, item := range n.items {
		c.items = append(c.items, item.clone())
	}
	return &c
}

// each gives the items of a list, or the value itself if it is none.
func (n *node) each() []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == '[':
		return n.items
	default:
		return []*node{n}
	}
}

// strings gives the texts of each.
func (n *node) strings() []string {
	var out []string
	for _, item := range n.each() {
		out = append(out, item.text)
	}
	return out
}

// without gives the value less the items, or nil when nothing is left.
func (n *node) without(items ...*node) *node {
	var left []*node
	for _, item := range n.each() {
		if !slices.Contains(items, item) {
			left = append(left, item)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if n.kind != '[' {
		return n
	}
	c := *n
	c.items = left
	return &c
}

// add gives a list of the value's items and those further ones that it lacks.
func (n *node) add(values ...string) *node {
	out := &node{kind: '[', at: -1, items: slices.Clone(n.each())}
	if n != nil {
		out.at = n.at
	}
	for _, v := range values {
		if !slices.ContainsFunc(out.items, func(i *node) bool { return strings.EqualFold(i.text, v) }) {
			out.items = append(out.items, text(v))
		}
	}
	return out
}

// locate sets the pointers of the value and all below it.
func (n *node) locate(pointer string) {
	n.pointer = pointer
	for _, m := range n.members {
		m.value.locate(pointer + strict.Pointer(m.name))
	}
	for i, item := range n.items {
		item.locate(pointer + strict.Pointer(i))
	}
}

// json writes the value, indented; an empty indent minifies. Of no value it
// writes nothing.
func (n *node) json(indent string) []byte {
	if n == nil {
		return nil
	}
	var b bytes.Buffer
	n.write(&b)
	if indent == "" {
		return b.Bytes()
	}
	var out bytes.Buffer
	_ = json.Indent(&out, b.Bytes(), "", indent) // it was written by us
	return out.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case '{':
		b.WriteByte('{')
		for i, m := range n.members {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, m.name)
			b.WriteByte(':')
			m.value.write(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case '"':
		writeString(b, n.text)
	default:
		b.WriteString(n.text)
	}
}

func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings can always be encoded
	b.Truncate(b.Len() - 1)
}
