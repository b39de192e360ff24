package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/cli"
)

// treeOf returns what is in a directory: modes, times and content.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(data)
		}
		out[path] = fmt.Sprint(info.Mode(), info.ModTime(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestReadingCommandsWriteNothing runs each command that only reads, with a state
// directory and without one: neither it nor anything beside it changes.
func TestReadingCommandsWriteNothing(t *testing.T) {
	t.Parallel()
	for _, registered := range []bool{false, true} {
		dir := t.TempDir()
		file := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"sts:AssumeRole"}]}`
		config, given := file("rolecall.yaml", `
principals: {production: {arn: "arn:aws:iam::873682911326:role/Worker", credentials: {source: environment}}}
organizations: {acme: {connections: {masters: {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/media"}}}}
`), file("trust.json", trust)
		run := func(args ...string) {
			var stdout, stderr bytes.Buffer
			cli.Run(t.Context(), args, cli.System{Stdin: strings.NewReader(trust), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
			if stdout.Len()+stderr.Len() == 0 {
				t.Errorf("%v says nothing", args)
			}
		}
		if registered {
			run("policy", "generate", "masters", "--config", config)
		}
		before := treeOf(t, dir)
		for _, args := range [][]string{
			{"config", "check", "--config", config},
			{"config", "check", "--config", config, "--output", "json"},
			{"policy", "lint", given},
			{"policy", "lint", given, "--connection", "masters", "--config", config},
			{"policy", "lint", "-", "--fix"},
			{"policy", "simulate", "--principal", "arn:aws:iam::873682911326:role/Worker", "--action", "sts:AssumeRole", "--resource", "arn:aws:iam::111122223333:role/media", "--resource-policy", given},
			{"policy", "explain", "Access Denied"},
			{"version"},
			{"--help"},
		} {
			run(args...)
			if diff := cmp.Diff(before, treeOf(t, dir)); diff != "" {
				t.Errorf("registered %t: %v changed (-before +after):\n%s", registered, args, diff)
			}
		}
	}
}
