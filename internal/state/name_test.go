package state_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
	"github.com/rolecall/rolecall/internal/tenant/tenanttest"
)

func names(t *testing.T, path string) state.Names {
	t.Helper()
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d.Names()
}

func TestNames(t *testing.T) {
	t.Parallel()
	tenanttest.Names(t, func(t *testing.T) tenant.Names { return names(t, t.TempDir()) })
}

// No organization's name leads out of the directory.
func TestNamesStayInTheDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	for _, organization := range []string{"", ".", "..", "../../acme", "a/b", "ACME"} {
		if id, err := names(t, path).GeneratedID(t.Context(), organization); rolecall.CodeOf(err) != rolecall.Invalid || id != "" {
			t.Errorf("%q: %q, %v", organization, id, err)
		}
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}

// An external id that another could have written opens no role.
func TestNamesOthersCouldWrite(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if _, _, err := names(t, path).GenerateID(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(path, "external-ids", "generated", "acme"), 0o666); err != nil {
		t.Fatal(err)
	}
	if id, err := names(t, path).GeneratedID(t.Context(), "acme"); rolecall.CodeOf(err) != rolecall.Invalid || id != "" {
		t.Errorf("%q, %v", id, err)
	}
}

// A directory that was restored without its external ids makes no other ones, until
// the operator says that nobody has them.
func TestIDsThatAreLostAreNotMade(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]string{"a claim": "verdicts/0123.json", "a record": "checks/acme/same.json"} {
		path := filepath.Join(t.TempDir(), "state [1]")
		d, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(path, kept)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, kept), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err = d.Names().GenerateID(t.Context(), "acme")
		if rolecall.CodeOf(err) != rolecall.Conflict {
			t.Fatalf("%s: %v", name, err)
		}
		hint := rolecall.List(err)[0].Hint
		if _, made, found := strings.Cut(hint, "mkdir -m 700 "); !found || os.Mkdir(made, 0o700) != nil {
			t.Errorf("%s: %s", name, hint)
		}
		if _, _, err := d.Names().GenerateID(t.Context(), "acme"); err != nil {
			t.Errorf("%s, as the hint says: %v", name, err)
		}
	}
}
