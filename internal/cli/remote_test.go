package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// served is a service, and a directory elsewhere to ask it from.
type served struct {
	t                *testing.T
	home, away       string
	url, token, more string // more is an environment variable of its own
}

// serveWorld starts rolecall serve on the test world.
func serveWorld(t *testing.T) *served {
	t.Helper()
	s := &served{t: t, home: t.TempDir(), away: t.TempDir()}
	if err := os.CopyFS(s.home, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.home, "acme-keys.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	newSite(t, filepath.Join(s.home, "sandbox.yaml"), nil).fillIn(t, filepath.Join(s.home, "rolecall.yaml"))
	service := command(t, s.home, "serve", "--listen", "127.0.0.1:0")
	var said bytes.Buffer
	service.Stderr = &said
	service.Cancel = func() error { // at the end of the test
		return errors.Join(service.Process.Signal(syscall.SIGTERM), os.ErrProcessDone)
	}
	out, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	s.url = strings.TrimSpace(line)
	t.Cleanup(func() {
		if err := service.Wait(); err != nil {
			t.Errorf("%v: %s", err, &said)
		}
	})
	s.token = strings.TrimSpace(s.here(0, "token", "create", "--operator"))
	return s
}

// run runs a command, whose exit code must be this, and returns what it prints.
func (s *served) run(c *exec.Cmd, stdin string, code int) string {
	s.t.Helper()
	c.Stdin = strings.NewReader(stdin)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	got := 0
	var exit *exec.ExitError
	if err := c.Run(); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	if got != code {
		s.t.Errorf("%v: exit %d, want %d\n%s%s", c.Args[1:], got, code, &out, &said)
	}
	if s.token != "" && strings.Contains(out.String()+said.String(), s.token) {
		s.t.Errorf("%v shows the token", c.Args[1:])
	}
	return out.String() + said.String()
}

// here works beside the service.
func (s *served) here(code int, args ...string) string {
	s.t.Helper()
	return s.run(command(s.t, s.home, args...), "", code)
}

// there asks it, from elsewhere.
func (s *served) there(code int, stdin string, args ...string) string {
	s.t.Helper()
	c := command(s.t, s.away, args...)
	c.Env = append(c.Env, "ROLECALL_SERVER="+s.url, "ROLECALL_TOKEN="+s.token+"\n", s.more)
	return s.run(c, stdin, code)
}

// The commands do over HTTP what they do here, and print it the same.
func TestRemote(t *testing.T) {
	t.Parallel()
	s := serveWorld(t)
	holds := func(got string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%q is not in:\n%s", text, got)
			}
		}
	}
	// Organizations, connections, secrets, tokens.
	holds(s.there(2, "", "org", "create", "nova", "--name", "Nova \x1b[31mFilms"), "cannot be seen")
	holds(s.there(0, "", "org", "create", "nova", "--name", "Nova Films"), "organization nova", "Nova Films", "principal production")
	holds(s.there(0, "", "org", "list"), "nova", "acme", "managed by config")
	holds(s.there(0, "", "org", "update", "nova", "--paused"), "paused")
	holds(s.there(0, "", "org", "update", "nova", "--no-paused", "--name", "Nova"), "managed by api")
	holds(s.there(2, "", "org", "create", "nova"), `an organization "nova"`)
	const declared = `{"purpose": "source", "bucket": "nova-masters",
  "region": "eu-central-1", "role_arn": "arn:aws:iam::111122223333:role/nova"}`
	holds(s.there(0, declared, "connection", "put", "masters", "--org", "nova", "-f", "-"), "source masters", "pending", "external id")
	holds(s.there(2, strings.Replace(declared, "source", "both", 1), "connection", "put", "masters", "--org", "nova", "-f", "-"), "standard input, line 1: unknown purpose")
	holds(s.there(2, strings.Replace(declared, "region", "regions", 1), "connection", "put", "masters", "--org", "nova", "-f", "-"), "standard input, line 2: unknown field")
	holds(s.there(2, declared, "connection", "put", "masters", "--org", "nova", "-f", "-", "--revision", "7"), "changed since you read it")
	holds(s.there(0, "", "connection", "list", "--org", "nova"), "masters", "s3://nova-masters/")
	holds(s.there(0, "", "connection", "show", "masters", "--org", "nova", "--output", "json"), `"status": "pending"`)
	holds(s.there(2, "", "connection", "list"), "You: give --org")
	holds(s.there(0, "planted-text\n", "secret", "put", "bearer", "--org", "nova", "--type", "text", "--host", "vend.example.com"), "bearer", "vend.example.com")
	holds(s.there(0, `{"AccessKey":{"AccessKeyId":"AKIANOVA","SecretAccessKey":"planted-keys"}}`, "secret", "put", "keys", "--org", "nova", "--type", "aws_access_key", "--bucket", "b-1"), "keys")
	if got := s.there(0, "", "secret", "list", "--org", "nova", "--output", "json"); strings.Contains(got, "planted") {
		t.Error(got)
	}
	holds(s.there(0, "", "secret", "delete", "keys", "--org", "nova"), "the secret keys is deleted")
	viewer := strings.TrimSpace(s.there(0, "", "token", "create", "--org", "nova", "--role", "viewer", "--name", "CI"))
	listed := s.there(0, "", "token", "list", "--org", "nova")
	holds(listed, "viewer", "CI", "never used")
	holds(s.there(0, "", "audit", "list", "--org", "nova"), "connection.put", "secret.put", "token.create", "allowed")

	// Who may not, and who nobody knows.
	operator := s.token
	s.token = viewer
	holds(s.there(0, "", "connection", "list"), "masters") // whose token it is
	holds(s.there(3, "", "secret", "list"), "does not allow secret.list")
	holds(s.there(2, "", "org", "show", "acme"), "there is no organization")
	s.token = operator
	id := regexp.MustCompile(`[0-9a-v]{26}`).FindString(listed)
	holds(s.there(0, "", "token", "revoke", id, "--org", "nova"), "is deleted")
	s.token = viewer
	holds(s.there(3, "", "connection", "list"), "no token, or one that is not valid")
	s.token = operator

	// The same output as here.
	if here, there := steps(s.here(0, "check", "masters", "--org", "acme", "--wait", "0")), steps(s.there(0, "", "check", "masters", "--org", "acme", "--wait", "0")); here != there || !strings.Contains(here, "pass arn") {
		t.Errorf("here:\n%s\nthere:\n%s", here, there)
	}
	var report struct{ Organization, Connection, Result string }
	if err := json.Unmarshal([]byte(s.there(1, "", "check", "masters", "--org", "nova", "--wait", "0", "--output", "json")), &report); err != nil || report.Connection != "masters" || report.Result != "fail" {
		t.Errorf("%+v, %v", report, err)
	}
	policies := map[string]string{"trust.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`}
	for name, text := range policies {
		for _, dir := range []string{s.home, s.away} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for code, args := range map[string][]string{
		"0 generate":      {"policy", "generate", "masters", "--org", "acme"},
		"0 generate cli":  {"policy", "generate", "masters", "--org", "acme", "--format", "cli"},
		"1 lint":          {"policy", "lint", "trust.json"},
		"1 lint JSON":     {"policy", "lint", "trust.json", "--kind", "trust", "--output", "json"},
		"0 simulate":      {"policy", "simulate", "--principal", "arn:aws:iam::111122223333:role/x", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::b/k"},
		"0 simulate JSON": {"policy", "simulate", "--principal", "arn:aws:iam::111122223333:role/x", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::b/k", "--output", "json"},
		"0 explain":       {"policy", "explain", "User: arn:aws:iam::999988887777:role/worker is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/media"},
		"2 explain":       {"policy", "explain", ""},
	} {
		if here, there := s.here(int(code[0]-'0'), args...), s.there(int(code[0]-'0'), "", args...); here != there && code != "2 explain" {
			t.Errorf("%s here:\n%s\nthere:\n%s", code, here, there)
		}
	}
	holds(s.there(0, "", "credentials", "masters", "--org", "acme"), `"Version":1`, "SecretAccessKey")
	holds(s.there(0, "", "connection", "release", "masters", "--org", "acme"), "acme has no claim on arn:aws:iam::111122223333:role/media")

	holds(s.there(0, "", "connection", "delete", "masters", "--org", "nova"), "the connection masters is deleted")
	holds(s.there(2, "", "org", "delete", "nova"), "--yes")
	holds(s.there(0, "", "org", "delete", "nova", "--yes"), "nova is deleted")

	// What nobody should do.
	s.more = "ROLECALL_SERVER=http://rolecall.example.com"
	holds(s.there(2, "", "org", "list"), "plain http")
	s.more = "ROLECALL_TOKEN="
	holds(s.there(3, "", "org", "list"), "set ROLECALL_TOKEN")
	s.more = "ROLECALL_SERVER="
	holds(s.there(2, "", "org", "list"), "--server URL")
	s.more = "ROLECALL_SERVER=http://127.0.0.1:1"
	holds(s.there(4, "", "org", "list"), "cannot be reached")
	s.more = ""
	holds(s.there(2, "", "check", "masters", "--org", "acme", "--principal", "x"), "--principal is not for a service")
	holds(s.there(2, "", "policy", "generate", "masters", "--org", "acme", "--versioned"), "as they are")
}

// steps are the lines of a check's steps, without what is noted beside.
func steps(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "note: ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}
