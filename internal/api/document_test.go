package api

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/api/apitest"
	"github.com/rolecall/rolecall/internal/service"
)

var update = flag.Bool("update", false, "write the golden file")

// The OpenAPI document is what clients are made from: it changes only when
// somebody looks at the change.
func TestDocument(t *testing.T) {
	t.Parallel()
	got, err := New(Options{Service: service.New(service.Options{}), Version: "test"}).document.text()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document changed; look at the difference, then go test ./internal/api -update\n%s", cmp.Diff(string(want), string(got)))
	}
}

// A client can be written from the document alone: it says of each operation,
// parameter and member what it is, and of each body what it takes.
func TestDocumentSaysEverything(t *testing.T) {
	t.Parallel()
	document := apitest.Read("testdata/openapi.json")
	for name, schema := range document.Schemas() {
		for _, member := range apitest.Members(schema) {
			if document.Resolve(member.Schema)["description"] == nil && member.Schema["anyOf"] == nil {
				t.Errorf("%s.%s has no description", name, member.Name)
			}
		}
	}
	for _, op := range document.Operations() {
		for _, p := range op.Parameters {
			if p.Description == "" {
				t.Errorf("%s: the %s %s has no description", op.ID, p.In, p.Name)
			}
		}
		if op.Body == nil {
			continue
		}
		for _, status := range []string{"400", "413", "415", "422"} {
			if _, ok := op.Answers[status]; !ok {
				t.Errorf("%s has a body, and no %s", op.ID, status)
			}
		}
		closed(t, document, op.ID, op.Body)
	}
	for name, members := range describedIn {
		for member := range members {
			if schema := document.Schemas()[name]; schema == nil || !slices.ContainsFunc(apitest.Members(schema), func(m apitest.Member) bool { return m.Name == member }) {
				t.Errorf("there is no %s.%s to describe", name, member)
			}
		}
	}
}

// closed checks that each object of a body refuses members that it does not
// know, as the service does.
func closed(t *testing.T, document apitest.Document, at string, schema apitest.Object) {
	t.Helper()
	schema = document.Resolve(schema)
	members := apitest.Members(schema)
	if len(members) > 0 && schema["additionalProperties"] != false {
		t.Errorf("%s: unknown members are not refused", at)
	}
	for _, member := range members {
		closed(t, document, at+"."+member.Name, member.Schema)
	}
	if items, ok := schema["items"].(apitest.Object); ok {
		closed(t, document, at+"[]", items)
	}
	several, _ := schema["anyOf"].([]any)
	for _, one := range several {
		one, _ := one.(apitest.Object)
		closed(t, document, at, one)
	}
}
