package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/api/apitest"
	"github.com/rolecall/rolecall/internal/service"
)

type object = apitest.Object

// wrong is a body that is refused, and where; at is empty where the fault is the
// body's.
type wrong struct{ name, at, body string }

// wrongs returns bodies that the schema does not allow: at each member, at any
// depth.
func wrongs(document apitest.Document, schema object) (out []wrong) {
	whole := document.Example(schema)
	// with returns the body with another value at a place.
	with := func(at []string, change func(parent object, name string)) string {
		text, _ := json.Marshal(whole) // made of JSON
		var body object
		_ = json.Unmarshal(text, &body)
		parent := body
		for _, name := range at[:len(at)-1] {
			parent = parent[name].(object) //nolint:forcetypeassert // by its schema
		}
		change(parent, at[len(at)-1])
		text, _ = json.Marshal(body)
		return string(text)
	}
	add := func(name string, at []string, body string) {
		out = append(out, wrong{name, "/" + strings.Join(at, "/"), body})
	}
	var members func(at []string, schema object)
	members = func(at []string, schema object) {
		properties := apitest.Members(document.Resolve(schema))
		for _, one := range properties {
			name, member, here := one.Name, document.Resolve(one.Schema), append(slices.Clone(at), one.Name)
			kinds := fmt.Sprint(member["type"])
			for kind, value := range map[string]any{"string": "text", "integer": 7, "boolean": true, "array": []any{}, "object": object{"x": 1}} {
				if name == "http_credential_source" && kind == "string" {
					continue // its URL alone is a form that documents take too
				}
				if member["type"] == nil && (kind == "object" || kind == "array") {
					continue // one of several
				}
				if !strings.Contains(kinds, kind) && (kind != "integer" || !strings.Contains(kinds, "number")) {
					add(kind, here, with(here, func(parent object, name string) { parent[name] = value }))
				}
			}
			if strings.Contains(kinds, "integer") {
				for _, huge := range []string{"9223372036854775808", "-1e400", "1.5", "1e999999999"} {
					add("number "+huge, here, with(here, func(parent object, name string) { parent[name] = json.RawMessage(`"HUGE"`) }))
					out[len(out)-1].body = strings.Replace(out[len(out)-1].body, `"HUGE"`, huge, 1)
				}
			}
			if kinds == "object" {
				members(here, member)
			}
		}
		if len(properties) > 0 {
			here := append(slices.Clone(at), "unknown_member")
			add("unknown", here, with(here, func(parent object, name string) { parent[name] = 1 }))
		}
	}
	members(nil, schema)
	required, _ := document.Resolve(schema)["required"].([]any)
	for _, name := range required {
		without := with([]string{name.(string)}, func(parent object, name string) { delete(parent, name) }) //nolint:forcetypeassert // a name
		out = append(out, wrong{"missing", "", without})
	}
	text, _ := json.Marshal(whole)
	for name, body := range map[string]string{
		"null": "null", "list": "[]", "text": `"x"`, "number": "1e400", "half": string(text[:len(text)-1]), "twice": string(text) + string(text),
		"UTF-8": "{\"x\":\"\xff\xfe\"}", "surrogate": `{"x":"\ud800"}`, "NUL": "\x00", "BOM": "\ufeff{",
		"lists": strings.Repeat("[", 1<<20), "objects": strings.Repeat(`{"a":`, 1<<20/5), "a member of lists": `{"name":` + strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19-20) + "}",
		"too large": `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, "digits": strings.Repeat("9", 1<<19),
	} {
		out = append(out, wrong{name, "", body})
	}
	for name := range whole.(object) { //nolint:forcetypeassert // all bodies are objects
		twice := fmt.Sprintf(`{%q:null,%q:null}`, name, name)
		out = append(out, wrong{"a duplicate", "", twice})
	}
	return out
}

// However wrong a body is, the answer is a problem that says where, and nothing
// changes: each body of the OpenAPI document, in each way.
func TestWrongBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
	all := func() string {
		var b bytes.Buffer
		for _, path := range []string{"/api/o", "/api/o/acme/connections", "/api/o/acme/connections/masters/checks", "/api/o/acme/tokens", "/api/o/acme/secrets", "/api/o/acme/audit"} {
			b.Write(w.must(http.StatusOK, http.MethodGet, path+"?limit=200", "").body)
		}
		return b.String()
	}
	before, tried := all(), 0
	document := apitest.Read(openAPI)
	for _, op := range document.Operations() {
		if op.Body == nil {
			continue
		}
		to := strings.NewReplacer("{org}", "acme", "{name}", "masters", "{id}", "none").Replace(op.Path)
		for _, bad := range wrongs(document, op.Body) {
			tried++
			got := w.do(w.token, op.Method, to, bad.body)
			if got.status == http.StatusNotFound && strings.Contains(to, "none") {
				continue
			}
			if got.status != http.StatusBadRequest && got.status != http.StatusRequestEntityTooLarge && got.status != http.StatusUnprocessableEntity {
				t.Errorf("%s, %s at %q: %d\n%s\n%s", op.ID, bad.name, bad.at, got.status, shortened([]byte(bad.body)), shortened(got.body))
				continue
			}
			quoted := bad.name != "unknown" || op.ID != "putSecret" // a secret may stand there
			if bad.at != "" && quoted && !strings.Contains(string(got.body), fmt.Sprintf(`"pointer":%q`, bad.at)) {
				t.Errorf("%s, %s at %q: the answer does not say where\n%s\n%s", op.ID, bad.name, bad.at, shortened([]byte(bad.body)), shortened(got.body))
			}
		}
	}
	if tried < 300 {
		t.Errorf("%d were tried", tried)
	}
	if after := all(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// What is sent beside a body is wrong in other ways, and answered as well.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	for _, org := range []string{"acme", "globex"} {
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"`+org+`"}`)
		for range 2 {
			w.must(http.StatusCreated, http.MethodPost, "/api/o/"+org+"/tokens", `{"role":"viewer"}`)
		}
	}
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
	cursor := read[service.List[service.Token]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/globex/tokens?limit=1", "")).Next
	if cursor == "" {
		t.Fatal("no cursor")
	}
	// Cursors of another list, and what was never one, at each list.
	for _, op := range operations() {
		method, path, _ := strings.Cut(op, " ")
		path = strings.NewReplacer("{org}", "acme", "{name}", "masters").Replace(path)
		if method != http.MethodGet || strings.Contains(path, "{") {
			continue
		}
		got := w.do(w.token, method, path, "")
		if got.status != http.StatusOK || !bytes.HasPrefix(got.body, []byte(`{"results":`)) {
			continue
		}
		for _, bad := range []string{cursor, cursor[1:], cursor + "0", "%00", "%ff", "..%2f", strings.Repeat("a", 4000), "0", "'%20OR%201=1"} {
			if got := w.do(w.token, method, path+"?cursor="+bad, ""); got.status != http.StatusUnprocessableEntity {
				t.Errorf("%s with the cursor %.40s: %d\n%s", path, bad, got.status, shortened(got.body))
			}
		}
	}
	// Names that no path has.
	for _, name := range []string{"%00", "%ff%fe", "..%2f..%2facme", "%20", strings.Repeat("a", 5000), "%F0%9F%98%80", "acme%00", "ACME", "'%20OR%201=1--"} {
		for _, op := range operations() {
			method, path, _ := strings.Cut(op, " ")
			if !strings.Contains(path, "{org}") {
				continue
			}
			for from, to := range map[string]string{"{org}": name, "{name}": name, "{id}": name} {
				if !strings.Contains(path, from) {
					continue
				}
				at := strings.NewReplacer(from, to, "{org}", "acme", "{name}", "masters", "{id}", "none").Replace(path)
				body := ""
				if method == http.MethodPut || method == http.MethodPost || method == http.MethodPatch {
					body = "{"
				}
				if got := w.do(w.token, method, at, body); got.status >= 500 || got.status < 400 {
					t.Errorf("%s %.80s: %d\n%s", method, at, got.status, shortened(got.body))
				}
			}
		}
	}
	for _, id := range []string{"-1", "-9223372036854775808", "99999999999999999999", "1e9", "x"} {
		check := read[service.Check](t, w.must(http.StatusAccepted, http.MethodPost, "/api/o/acme/connections/masters/checks", ""))
		w.must(http.StatusOK, http.MethodGet, "/api/o/acme/connections/masters/checks/"+check.ID+"/events", "", "Last-Event-ID", id)
	}
}
