package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// What the example imports, so that a change of it runs this test again.
	_ "github.com/rolecall/rolecall/credential"
	_ "github.com/rolecall/rolecall/policy"
	_ "github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// The library's example is a module of its own, as a stranger's program is. It
// needs no module but what this one has, in the same version.
func TestLibrary(t *testing.T) {
	t.Parallel()
	const dir = "library"
	ours, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		// Go's cache of test results knows only the files that this process reads.
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) != "go.mod" {
			continue
		}
		for line := range strings.Lines(string(text)) {
			module, required := strings.CutPrefix(line, "\t")
			module, _, _ = strings.Cut(strings.TrimSpace(module), " //")
			if required && !strings.HasPrefix(module, "github.com/rolecall/rolecall ") && !strings.Contains(string(ours), "\t"+module) {
				t.Errorf("%s needs %s, which go.mod of rolecall does not have: change both", name, module)
			}
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "-count=1", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args[0], err, out)
		}
	}
}
