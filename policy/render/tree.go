package render

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// What is rendered is a tree with its order kept: of objects, lists, strings,
// and expressions of the format that it is rendered in.
type (
	object []member
	list   []any
	// expression is written as it stands.
	expression string
)

type member struct {
	name    string
	value   any
	comment string // before it
}

// commented is an element of a list with a comment before it.
type commented struct {
	comment string
	value   any
}

// valueOf is a document's JSON as a value to be rendered.
func valueOf(n *tree.Node) any {
	switch n.Kind {
	case '{':
		out := object{}
		for _, m := range n.Members {
			out = append(out, member{name: m.Name, value: valueOf(m.Value)})
		}
		return out
	case '[':
		out := list{}
		for _, item := range n.Items {
			out = append(out, valueOf(item))
		}
		return out
	case '"':
		return n.Text
	}
	return expression(n.Text) // numbers and the like are written so in each format
}

// replace returns a tree with values replaced: at gets the name of the member
// that a value is of, in a list that of the list, and returns what stands there.
func replace(tree any, name string, at func(name string, value any) (any, bool)) any {
	if with, ok := at(name, tree); ok {
		return with
	}
	switch t := tree.(type) {
	case object:
		out := make(object, len(t))
		for i, m := range t {
			out[i] = member{m.name, replace(m.value, m.name, at), m.comment}
		}
		return out
	case list:
		out := make(list, len(t))
		for i, v := range t {
			out[i] = replace(v, name, at)
		}
		return out
	}
	return tree
}

// words are the strings of a value that is one or a list of them.
func words(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case list:
		var out []string
		for _, one := range v {
			if text, ok := one.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}

// statements are those of a document of the kit, each with its reason.
func (p *plan) statements(kind policy.Kind) list {
	var out list
	for _, s := range tree.MustParse(p.Kit.Document(kind).JSON()).Get("Statement").Each() {
		out = append(out, commented{p.reason(kind, sidOf(s)), valueOf(s)})
	}
	return out
}

// sidOf is a statement's Sid, empty if it has none.
func sidOf(statement *tree.Node) string { return strings.Join(statement.Get("Sid").Strings(), "") }

// documentOf puts statements together to a document.
func documentOf(statements any) object {
	return object{{name: "Version", value: "2012-10-17"}, {name: "Statement", value: statements}}
}
