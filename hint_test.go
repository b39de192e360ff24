package rolecall_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/hinttest"
)

// TestHints checks that each hint in the source of any package begins with who
// acts, and is short.
func TestHints(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != "." && strings.HasPrefix(d.Name(), "."), d.Name() == "testdata":
			return filepath.SkipDir
		case path == filepath.Join("policy", "lint"): // which puts whose document it is before each
			return nil
		}
		hinttest.Written(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
