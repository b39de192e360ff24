package render

import (
	"bytes"
	"encoding/json"

	"github.com/rolecall/rolecall/policy"
)

// A tree is a document's JSON with its order kept: an object, a list, a
// string, or an expression of the format that it is rendered in.
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

// treeOf reads a document. Its JSON is valid: it has been parsed.
func treeOf(d *policy.Document) any {
	decoder := json.NewDecoder(bytes.NewReader(d.JSON()))
	decoder.UseNumber()
	return readTree(decoder)
}

func readTree(decoder *json.Decoder) any {
	token, err := decoder.Token()
	if err != nil {
		return nil
	}
	switch token {
	case json.Delim('{'):
		out := object{}
		for decoder.More() {
			name, _ := decoder.Token()
			text, _ := name.(string)
			out = append(out, member{name: text, value: readTree(decoder)})
		}
		decoder.Token() //nolint:errcheck // the closing brace
		return out
	case json.Delim('['):
		out := list{}
		for decoder.More() {
			out = append(out, readTree(decoder))
		}
		decoder.Token() //nolint:errcheck // the closing bracket
		return out
	}
	return token
}

// replace gives a tree with values replaced: at is told the name of the member
// that a value is of, in a list that of the list, and says what stands there.
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

// words gives a value that is a string or a list of strings as a list.
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

// statements gives a document's statements, each with its reason.
func (p *plan) statements(kind policy.Kind) list {
	doc, _ := treeOf(p.Kit.Document(kind)).(object)
	for _, m := range doc {
		if m.name != "Statement" {
			continue
		}
		all, ok := m.value.(list)
		if !ok {
			all = list{m.value}
		}
		out := make(list, len(all))
		for i, s := range all {
			out[i] = commented{p.reason(kind, sidOf(s)), s}
		}
		return out
	}
	return nil
}

func sidOf(statement any) string {
	if s, ok := statement.(object); ok {
		for _, m := range s {
			if sid, ok := m.value.(string); ok && m.name == "Sid" {
				return sid
			}
		}
	}
	return ""
}

// documentOf puts statements together to a document.
func documentOf(statements any) object {
	return object{{name: "Version", value: "2012-10-17"}, {name: "Statement", value: statements}}
}
