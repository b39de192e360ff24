package state_test

import (
	"os"
	"path/filepath"
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
