package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/sandbox"
)

// What people read on a terminal fits it from 40 to 200 columns, but for words that
// are longer. Elsewhere no line is broken.
func TestOutputFitsTheTerminal(t *testing.T) {
	t.Parallel()
	hint := "Operator: " + strings.Repeat("put the file there ", 20)
	report := rolecall.JobReport{
		ID: "06h2rkq7nm7suf1e4ek1cl74o4", StatusText: "Failed", Status: rolecall.Failed,
		Tasks:  []rolecall.TaskReport{{Tool: "storage:get", StatusText: "Failed", Files: 12345, Bytes: 1 << 40, Name: "fetch the masters"}, {Index: 1, Tool: "storage:exists", StatusText: "Submitted"}},
		Errors: rolecall.Errors{{Code: rolecall.Invalid, Pointer: "/tasks/0/parameters", Message: strings.Repeat("a message of words ", 12), Hint: hint}},
	}
	declared := declaration{
		Config: "rolecall.yaml", State: "/state", Principals: []declaredPrincipal{{Name: "production", ARN: "arn:aws:iam::1:role/w", Source: "environment", Default: true}},
		Organizations: []declaredOrganization{{APIName: "acme", Connections: []declaredConnection{{"masters", rolecall.Connection{Purpose: rolecall.Source, Bucket: "b", Prefix: "in/", RoleARN: "arn:aws:iam::1:role/m"}}}}},
	}
	for _, width := range []int{0, 40, 60, 80, 120, 200} {
		var stdout, stderr bytes.Buffer
		o := &output{stdout: &result{w: &stdout}, wide: width, wideErr: width}
		o.screen = newScreen(&stderr, false, false)
		o.stderr = o.screen
		_ = o.report(report) // its exit code
		declared.print(o)
		o.note("%s", hint)
		(&progress{out: o, labels: map[int]string{0: "fetch"}}).line(0, "%s", hint)
		for line := range strings.Lines(stdout.String() + stderr.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 0 && n > width && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%d columns: %d in %q", width, n, line)
			}
		}
		if broken := strings.Count(stderr.String(), "\n") > 5; broken != (width > 0) {
			t.Errorf("%d columns:\n%s", width, stderr.String())
		}
	}
}

// copied are lines of documents and commands, which are printed as they are to be
// copied.
var copied = regexp.MustCompile(`^\s*("|aws |jq |rm |[][{}#]|cat |diff |timedatectl )`)

// Whatever a command prints fits terminals of 40 to 200 columns, but for words that
// are longer.
func TestEveryCommandFitsTheTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "acme-keys.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	cfg, err := sandbox.LoadConfig(at("sandbox.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(context.Background(), cfg, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	config, err := os.ReadFile(at("rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(config), "http://127.0.0.1:4580", server.URL)
	text = regexp.MustCompile(`credentials: \{.*\}`).ReplaceAllString(text, "credentials: {source: static, file: ./worker-keys.json}")
	text = strings.Replace(text, "  globex:\n", `      open: {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/open"}
      powerless: {purpose: delivery, bucket: no-such-bucket-anywhere, role_arn: "arn:aws:iam::111122223333:role/powerless"}
  globex:
`, 1)
	for name, text := range map[string]string{
		"rolecall.yaml":    text,
		"worker-keys.json": `{"AccessKeyId": "ASIAPRODUCTION000000", "SecretAccessKey": "planted-secret-of-production", "SessionToken": "planted-token-of-production"}`,
		"bad.yaml":         "organizations: {acme: {external_id: {mode: custom}, conections: {}}}\nprincipals: {production: {}}\n",
		"policy.json": `{"Version": "2012-10-17", "Statement": [
			{"Sid": "not one", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:nosuch": "x"}}},
			{"Effect": "Deny", "Principal": "*", "Action": ["s3:GetObjct"], "Resource": "arn:aws:s3:::acme-masters"}]}`,
		"identity.json": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::acme-masters/in/*",
			"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-abcdefghij", "o-abcdefghik"]}}}]}`,
		"fails.json": `{"tasks": [{"tool": "storage:get", "name": "全部の映像を取得する仕事", "parameters": {"connection": "masters", "files": ["a.txt", "there is no file of this rather long name.mov"], "exclude": ["in vain"]}},
			{"tool": "storage:put", "parameters": {"connection": "delivery", "files": ["*.nothing"]}}]}`,
		"invalid.json": `{"tasks": [{"tool": "storage:gett", "parameters": {"conection": "masters", "files": [1]}}]}`,
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const denied = `User: arn:aws:sts::111122223333:assumed-role/media/acme.j is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/in/a"`
	of := func(words ...string) []string { return append(words, "--config", at("rolecall.yaml")) }
	for name, args := range map[string][]string{
		"demo": {"demo"}, "version": {"version"}, "no command": {"nosuch"}, "no flag": {"run", "--nosuch"},
		"help": {"--help"}, "help of run": {"run", "--help"}, "help of lint": {"policy", "lint", "--help"}, "help of generate": {"policy", "generate", "--help"},
		"config check": of("config", "check"), "config check, invalid": {"config", "check", "--config", at("bad.yaml")}, "config check, missing": {"config", "check", "--config", at("none.yaml")},
		"lint": {"policy", "lint", at("policy.json")}, "lint for a connection": of("policy", "lint", at("policy.json"), "--connection", "masters", "--kind", "bucket"),
		"generate": of("policy", "generate", "masters"), "generate for a delivery": of("policy", "generate", "delivery"),
		"simulate": {
			"policy", "simulate", "--principal", "arn:aws:iam::111122223333:role/media", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::acme-masters/in/a name with spaces in it.mov",
			"--identity", at("identity.json"), "--identity", at("identity.json"), "--resource-policy", at("policy.json"),
		},
		"explain": {"policy", "explain", denied + " because no identity-based policy allows the s3:GetObject action"}, "explain, silent": {"policy", "explain", denied},
		"explain, unknown": {"policy", "explain", "it does not work, and nobody knows why that is so"},
		"check":            of("check", "masters"), "check of a delivery": of("check", "delivery"), "check of a role that is open": of("check", "open"), "check that fails": of("check", "powerless"),
		"check of all": of("check", "--all"), "check of nothing": of("check", "nosuch"),
		"run, failing": of("run", at("fails.json"), "--org", "acme"), "run, invalid": of("run", at("invalid.json"), "--org", "acme"), "run, missing": of("run", at("none.json"), "--org", "acme"),
		"credentials of nothing": of("credentials", "nosuch"), "exec of nothing": of("exec", "nosuch", "--", "env"),
		"release": of("connection", "release", "masters", "--org", "acme"), "release of nothing": of("connection", "release", "nosuch", "--org", "acme"),
		"audit": of("audit", "verify"), "token": of("token", "create", "--org", "acme"), "seal": of("seal", "rotate"),
		"dispenser": {"dispenser", "--config", at("none.yaml")}, "sandbox": {"sandbox", "--config", at("none.yaml")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, columns := range []int{40, 60, 80, 120, 200} {
				if name == "demo" && columns > 60 && columns != 120 {
					continue // it takes seconds
				}
				var stdout, stderr bytes.Buffer
				sys := System{
					Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Signals: make(chan os.Signal), Exit: func(int) {}, terminal: columns,
					Getenv: func(string) string { return "" },
				}
				code := Run(t.Context(), args, sys)
				if stdout.Len()+stderr.Len() == 0 {
					t.Errorf("it prints nothing, exit %d", code)
				}
				for line := range strings.Lines(stdout.String() + "\n" + afterDrawing(stderr.String())) {
					line = escapes.ReplaceAllString(strings.TrimRight(line, "\n"), "")
					if n := width(line); n > columns && strings.Contains(strings.TrimSpace(line), " ") && !copied.MatchString(line) && !breaksNowhere(line, columns) {
						t.Errorf("%d columns: %d in %q", columns, n, line)
					}
				}
			}
		})
	}
}

// afterDrawing is what was printed without what redraws progress.
func afterDrawing(text string) string { return drawing.ReplaceAllString(text, "") }

var drawing = regexp.MustCompile("\x1b\\[[0-9]*[AJ]")

// breaksNowhere reports whether a line has one word that is too long, and nothing
// that would fit beside it.
func breaksNowhere(line string, columns int) bool {
	words := strings.Fields(line)
	return len(words) == 1 || len(words) == 2 && width(words[1]) > columns-width(words[0])-1 && strings.HasSuffix(words[0], ":")
}

// What is broken between words loses none, and stands below what it belongs to.
func TestFitted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"short\n": "short\n", "": "",
		"one two three four\nfive":         "one two\n  three\n  four\nfive",
		"  hint: do this and that\n":       "  hint: do\n        this\n        and\n        that\n",
		"├─ a: one two three\n":            "├─ a: one\n│  two\n│  three\n",
		"└─ arn:aws:iam::1:role/m x\n":     "└─ arn:aws:iam::1:role/m\n   x\n",
		"\x1b[31mred one two\x1b[0m three": "\x1b[31mred one\n  two\x1b[0m\n  three",
		"全部 全部 全部":                         "全部 全部\n  全部",
	} {
		if got := fitted(text, 10); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", text, got, want)
		}
	}
	for _, columns := range []int{1, 2, 5} {
		if got := strings.Fields(fitted("    a bb ccc dddd", columns)); fmt.Sprint(got) != "[a bb ccc dddd]" {
			t.Errorf("%d columns: %v", columns, got)
		}
	}
}
