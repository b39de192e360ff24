// Package apitest reads the OpenAPI document, for tests that go over all that is
// in it: each operation, each parameter, each member of a body or an answer.
package apitest

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
)

// Object is an object of the document.
type Object = map[string]any

// Document is an OpenAPI document. Read makes it.
type Document struct{ root Object }

// Operation is a method of a path.
type Operation struct {
	ID, Method, Path string
	Parameters       []Parameter
	Body             Object            // its schema as JSON; nil: there is none
	Answers          map[string]Object // by status, the schema of the answer as JSON; nil where that is none
}

// Parameter is a parameter of an operation.
type Parameter struct {
	Name, In, Description string // in path, query or header
	Schema                Object
}

// Member is a member of an object's schema.
type Member struct {
	Name   string
	Schema Object
}

// Read reads the document in a file. It panics if there is none.
func Read(file string) Document {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var d Document
	if err := json.Unmarshal(text, &d.root); err != nil {
		panic(err)
	}
	return d
}

// Operations returns all operations, by path and method.
func (d Document) Operations() (out []Operation) {
	paths := member(d.root, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(member(paths, path))) {
			of := member(paths, path, method)
			op := Operation{Method: strings.ToUpper(method), Path: path, Body: asJSON(member(of, "requestBody")), Answers: map[string]Object{}}
			op.ID, _ = of["operationId"].(string)
			parameters, _ := of["parameters"].([]any)
			for _, one := range parameters {
				p, _ := one.(Object)
				name, _ := p["name"].(string)
				in, _ := p["in"].(string)
				text, _ := p["description"].(string)
				op.Parameters = append(op.Parameters, Parameter{name, in, text, member(p, "schema")})
			}
			for status := range member(of, "responses") {
				op.Answers[status] = asJSON(d.Resolve(member(of, "responses", status)))
			}
			out = append(out, op)
		}
	}
	return out
}

// Schemas returns all schemas, by name.
func (d Document) Schemas() map[string]Object {
	out := map[string]Object{}
	for name := range member(d.root, "components", "schemas") {
		out[name] = member(d.root, "components", "schemas", name)
	}
	return out
}

// Members returns the members of an object's schema, by name.
func Members(schema Object) (out []Member) {
	all := member(schema, "properties")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, Member{name, member(all, name)})
	}
	return out
}

// asJSON returns the schema of a body or an answer.
func asJSON(of Object) Object { return member(of, "content", "application/json", "schema") }

// Resolve returns an object, or what it refers to.
func (d Document) Resolve(of Object) Object {
	ref, ok := of["$ref"].(string)
	if !ok {
		return of
	}
	return d.Resolve(member(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
}

// Example returns a value that a schema allows, with all of its members.
func (d Document) Example(schema Object) any {
	schema = d.Resolve(schema)
	if examples, ok := schema["examples"].([]any); ok && len(examples) > 0 {
		return examples[0]
	}
	if values, ok := schema["enum"].([]any); ok {
		return values[0]
	}
	for _, several := range []string{"anyOf", "oneOf"} {
		if all, ok := schema[several].([]any); ok {
			one, _ := all[0].(Object)
			return d.Example(one)
		}
	}
	switch Type(schema) {
	case "string":
		if schema["format"] == "date-time" {
			return "2026-11-30T12:00:00Z"
		}
		return "x"
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		return []any{d.Example(member(schema, "items"))}
	case "object":
		out := Object{}
		for name := range member(schema, "properties") {
			out[name] = d.Example(member(schema, "properties", name))
		}
		return out
	}
	return Object{"x": "y"} // anything
}

// Type returns the type of a schema: the first of several, and empty for any.
func Type(schema Object) string {
	kind := schema["type"]
	if kinds, ok := kind.([]any); ok {
		kind = kinds[0]
	}
	name, _ := kind.(string)
	return name
}

// member returns the object at a path; nil where there is none.
func member(o Object, path ...string) Object {
	for _, name := range path {
		o, _ = o[name].(Object)
	}
	return o
}
