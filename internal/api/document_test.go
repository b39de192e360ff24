package api

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

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
