package cli_test

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall/rolecall/internal/cli"
	"github.com/rolecall/rolecall/sandbox"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rolecall":      func() { os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Process())) },
		"rolecall-each": each,
	})
}

// placeholder is the address in configs that stands for a test's sandbox.
const placeholder = "127.0.0.1:4580"

func TestScripts(t *testing.T) {
	t.Parallel()
	golden, err := filepath.Abs("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TMPDIR", e.WorkDir+"/tmp")
			e.Setenv("PRODUCTION_KEY", "ASIAPRODUCTION000000")
			e.Setenv("PRODUCTION_SECRET", "planted-secret-of-production")
			e.Setenv("PRODUCTION_TOKEN", "planted-token-of-production")
			if err := errors.Join(os.CopyFS(e.WorkDir, os.DirFS("testdata/world")), os.Mkdir(filepath.Join(e.WorkDir, "tmp"), 0o700)); err != nil {
				return err
			}
			keys, err := filepath.Glob(filepath.Join(e.WorkDir, "*keys.json"))
			for _, file := range keys {
				err = errors.Join(err, os.Chmod(file, 0o600))
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"serve":  serve,
			"empty":  empty,
			"lacks":  lacks,
			"golden": func(ts *testscript.TestScript, _ bool, args []string) { compareGolden(ts, golden, args) },
		},
	})
}

// exits runs a program and asks for its exit code: exits 2 rolecall run.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// serve starts a sandbox and puts its address into the files: serve
// sandbox.yaml rolecall.yaml.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	cfg, err := sandbox.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	server, err := sandbox.Start(context.Background(), cfg, sandbox.Options{})
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	u, err := url.Parse(server.URL)
	ts.Check(err)
	for _, name := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(name), placeholder, u.Host)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// empty asks for a directory with nothing in it.
func empty(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		entries, err := os.ReadDir(ts.MkAbs(dir))
		ts.Check(err)
		for _, e := range entries {
			ts.Fatalf("%s holds %s", dir, e.Name())
		}
	}
}

// lacks asks that no file below a directory, and neither output, holds a
// text: lacks planted DIR.
func lacks(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(name), args[0]) {
			ts.Fatalf("%s shows %q", name, args[0])
		}
	}
	for _, dir := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			if strings.Contains(ts.ReadFile(path), args[0]) {
				ts.Fatalf("%s holds %q", path, args[0])
			}
			return nil
		}))
	}
}

var volatile = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b[0-9a-v]{26}\b`), "JOBID"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\d+\.\d\d s`), "0.00 s"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "EXTERNALID"},
}

// compareGolden compares a file with a golden one, but for what differs from
// run to run: golden stdout NAME.
func compareGolden(ts *testscript.TestScript, dir string, args []string) {
	got := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	for _, v := range volatile {
		got = v.form.ReplaceAllString(got, v.as)
	}
	path := filepath.Join(dir, args[1])
	if *update {
		ts.Check(os.WriteFile(path, []byte(got), 0o600))
		return
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		ts.Fatalf("%s differs from %s (-want +got):\n%s", args[0], args[1], diff)
	}
}
