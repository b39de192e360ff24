package state_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/state"
)

func checks(t *testing.T, path string) state.Checks {
	t.Helper()
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d.Checks()
}

// Reports are the owner's to read alone, and no name leads out of their
// directory.
func TestChecksAreKeptInPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := checks(t, dir)
	path, err := records.Keep(t.Context(), rolecall.CheckReport{Organization: "acme", Connection: "masters"})
	if err != nil || path != filepath.Join(dir, "checks", "acme", "masters.json") {
		t.Fatalf("%s, %v", path, err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{"../../masters", "..", "", "a/b", ".hidden"} {
		if path, err := records.Keep(t.Context(), rolecall.CheckReport{Organization: "acme", Connection: name}); err != nil || path != "" {
			t.Errorf("%q: %s, %v", name, path, err)
		}
	}
}

// What a killed rolecall left is gone after a day; what another writes stays.
func TestChecksAreSwept(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "checks", "acme")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{".new-1", ".new-2", "delivery.json"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name == ".new-2" {
			continue
		}
		if err := os.Chtimes(path, yesterday, yesterday); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := checks(t, root).Keep(t.Context(), rolecall.CheckReport{Organization: "acme", Connection: "masters"}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".new-2 delivery.json masters.json" {
		t.Errorf("left are %s", got)
	}
}
