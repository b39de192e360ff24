package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var accept = flag.Bool("accept", false, "take the OpenAPI document as what clients are made from, changes that break them included")

// released is the document that clients out there were made from.
const released = "testdata/released.json"

// A client that was made from the released document goes on working. A change
// that breaks it is accepted by go test ./internal/api -run TestNothingBreaks
// -accept, with a line in CHANGELOG.md that says what to change in clients; so
// is the document of each release.
func TestNothingBreaks(t *testing.T) {
	t.Parallel()
	now, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if *accept {
		if err := os.WriteFile(released, now, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range breaks(t, before, now) {
		t.Errorf("%s: see the comment of this test", broken)
	}
}

// Each kind of change that breaks clients is found, and none that does not.
func TestBreaks(t *testing.T) {
	t.Parallel()
	const document = `{
		"paths": {"/a/{id}": {"put": {
			"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}, {"name": "form", "in": "query", "schema": {"type": "string", "enum": ["x", "y"]}}],
			"requestBody": {"required": false, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}},
			"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}, "text/plain": {"schema": {"type": "string"}}}}, "201": {"description": "Created"}}
		}}},
		"components": {"schemas": {
			"In": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "kind": {"type": "string", "enum": ["k", "l"]}}},
			"Out": {"type": "object", "required": ["id", "kind"], "properties": {"id": {"type": "string"}, "kind": {"type": "string", "enum": ["m"]}, "of": {"$ref": "#/components/schemas/Out"}, "list": {"type": "array", "items": {"type": "string"}}, "ended": {"type": ["string", "null"]}}}
		}}
	}`
	for _, c := range []struct {
		old, changed string // in the document
		want         string // empty: nothing breaks
	}{
		{`"/a/{id}"`, `"/b/{id}"`, "PUT /a/{id} is gone"},
		{`"put"`, `"post"`, "PUT /a/{id} is gone"},
		{`"201"`, `"202"`, "answer 201: is gone"},
		{`"text/plain"`, `"text/html"`, "answer 200: text/plain is gone"},
		{`"name": "form"`, `"name": "format"`, "query form: is gone"},
		{`"in": "query",`, `"in": "query", "required": true,`, "query form: is required now"},
		{`"enum": ["x", "y"]`, `"enum": ["x"]`, `query form: the value "y" is gone`},
		{`"enum": ["x", "y"]`, `"enum": ["x", "y", "z"]`, ""},
		{`"required": false`, `"required": true`, "body: is required now"},
		{`"required": ["name"]`, `"required": ["name", "size"]`, "body.size: is required now"},
		{`"required": ["name"]`, `"required": []`, ""},
		{`"size": {"type": "integer"}`, `"size": {"type": "string"}`, `body.size: is "string", and was "integer"`},
		{`"size": {"type": "integer"}`, `"length": {"type": "integer"}`, "body.size: is gone"},
		{`"size": {"type": "integer"}`, `"size": {"type": "integer"}, "more": {"type": "string"}`, ""},
		{`"enum": ["k", "l"]`, `"enum": ["l"]`, `body.kind: the value "k" is gone`},
		{`"required": ["id", "kind"]`, `"required": ["id"]`, "answer 200.kind: may be missing now"},
		{`"required": ["id", "kind"]`, `"required": ["id", "kind", "of"]`, ""},
		{`"properties": {"id": {"type": "string"}`, `"properties": {"id": {"type": "integer"}`, `answer 200.id: is "integer", and was "string"`},
		{`"items": {"type": "string"}`, `"items": {"type": "object"}`, `answer 200.list[]: is "object", and was "string"`},
		{`["string", "null"]`, `"string"`, ""},
		{`"list": {"type": "array"`, `"list": {"type": ["array", "null"]`, `answer 200.list: is ["array","null"], and was "array"`},
		{`"list": {`, `"lists": {`, "answer 200.list: is gone"},
		{`"enum": ["m"]`, `"enum": ["m", "n"]`, ""},
	} {
		changed := strings.Replace(document, c.old, c.changed, 1)
		if changed == document {
			t.Fatalf("%s is not in the document", c.old)
		}
		found := breaks(t, []byte(document), []byte(changed))
		if got := strings.Join(found, "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s to %s: %q, want %q", c.old, c.changed, got, c.want)
		}
	}
}

type object = map[string]any

// comparison finds what a newer document breaks of an older one.
type comparison struct {
	old, changed object
	seen         map[string]bool // schemas by name and direction, so that those that refer to themselves end
	found        []string
}

// breaks returns what in the changed document breaks clients of the old one.
func breaks(t *testing.T, old, changed []byte) []string {
	t.Helper()
	c := comparison{seen: map[string]bool{}}
	for text, into := range map[*[]byte]*object{&old: &c.old, &changed: &c.changed} {
		if err := json.Unmarshal(bytes.Clone(*text), into); err != nil {
			t.Fatal(err)
		}
	}
	paths, now := member(c.old, "paths"), member(c.changed, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(member(paths, path))) {
			before, after := member(paths, path, method), member(now, path, method)
			at := strings.ToUpper(method) + " " + path
			if after == nil {
				c.add(at, "is gone")
				continue
			}
			c.operation(at+": ", before, after)
		}
	}
	return c.found
}

func (c *comparison) add(at, what string) { c.found = append(c.found, at+" "+what) }

func (c *comparison) operation(at string, before, after object) {
	old, now := parameters(before), parameters(after)
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if now[name] == nil {
			c.add(at+name+":", "is gone")
			continue
		}
		c.schema(at+name, member(old[name], "schema"), member(now[name], "schema"), true)
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name]["required"] == true && (old[name] == nil || old[name]["required"] != true) {
			c.add(at+name+":", "is required now")
		}
	}
	if body := member(after, "requestBody"); body["required"] == true && member(before, "requestBody")["required"] != true {
		c.add(at+"body:", "is required now")
	}
	c.content(at+"body", member(before, "requestBody", "content"), member(after, "requestBody", "content"), true)
	for _, status := range slices.Sorted(maps.Keys(member(before, "responses"))) {
		answer := resolved(c.changed, member(after, "responses", status))
		if answer == nil {
			c.add(at+"answer "+status+":", "is gone")
			continue
		}
		c.content(at+"answer "+status, member(resolved(c.old, member(before, "responses", status)), "content"), member(answer, "content"), false)
	}
}

func (c *comparison) content(at string, before, after object, sent bool) {
	for _, kind := range slices.Sorted(maps.Keys(before)) {
		if member(after, kind) == nil {
			c.add(at+":", kind+" is gone")
			continue
		}
		c.schema(at, member(before, kind, "schema"), member(after, kind, "schema"), sent)
	}
}

// schema compares the schemas of what clients send, or of what they are
// answered.
func (c *comparison) schema(at string, before, after object, sent bool) {
	name, _ := before["$ref"].(string)
	before, after = resolved(c.old, before), resolved(c.changed, after)
	if name != "" {
		key := fmt.Sprint(name, sent)
		if c.seen[key] {
			return
		}
		c.seen[key] = true
	}
	if old, now := types(before), types(after); !within(old, now, sent) {
		c.add(at+":", fmt.Sprintf("is %s, and was %s", asJSON(after["type"]), asJSON(before["type"])))
		return
	}
	values, _ := before["enum"].([]any)
	left, _ := after["enum"].([]any)
	for _, value := range values {
		if sent && !slices.Contains(left, value) {
			c.add(at+":", fmt.Sprintf("the value %s is gone", asJSON(value)))
		}
	}
	if items := member(before, "items"); items != nil {
		c.schema(at+"[]", items, member(after, "items"), sent)
	}
	if additional := member(before, "additionalProperties"); additional != nil {
		c.schema(at+".*", additional, member(after, "additionalProperties"), sent)
	}
	old, now := member(before, "properties"), member(after, "properties")
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if member(now, name) == nil {
			c.add(at+"."+name+":", "is gone")
			continue
		}
		c.schema(at+"."+name, member(old, name), member(now, name), sent)
	}
	needed, needs := required(before), required(after)
	for _, name := range needs {
		if sent && !slices.Contains(needed, name) {
			c.add(at+"."+name+":", "is required now")
		}
	}
	for _, name := range needed {
		if !sent && !slices.Contains(needs, name) && member(now, name) != nil {
			c.add(at+"."+name+":", "may be missing now")
		}
	}
}

// within reports whether the types that a client knows still do: of what it
// sends no type may go, of what it is answered none may come.
func within(old, now []string, sent bool) bool {
	if sent {
		old, now = now, old
	}
	for _, kind := range now {
		if len(old) > 0 && !slices.Contains(old, kind) {
			return false
		}
	}
	return len(now) > 0 || len(old) == 0
}

func types(schema object) []string {
	if one, ok := schema["type"].(string); ok {
		return []string{one}
	}
	return texts(schema["type"])
}

func required(schema object) []string { return texts(schema["required"]) }

func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, item := range list {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

func parameters(operation object) map[string]object {
	out := map[string]object{}
	list, _ := operation["parameters"].([]any)
	for _, item := range list {
		if p, ok := item.(object); ok {
			out[fmt.Sprint(p["in"], " ", p["name"])] = p
		}
	}
	return out
}

func resolved(document, schema object) object {
	if ref, ok := schema["$ref"].(string); ok {
		return member(document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return schema
}

// member returns the object at a path; nil where there is none.
func member(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

func asJSON(v any) string {
	text, _ := json.Marshal(v) // what was read from JSON
	return string(text)
}
