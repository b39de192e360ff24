package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const dispenserConfig = `
url: https://credentials.example.com/acme
listen: 127.0.0.1:0
bearer: {file: ./bearer}
organizations: {acme: {external_id: x-42}}
identity:
  credentials: {source: static, access_key_id_env: PRODUCTION_KEY, secret_access_key_env: PRODUCTION_SECRET, session_token_env: PRODUCTION_TOKEN}
grants:
  - {bucket: acme-masters, prefix: in/, access: read, role_arn: "arn:aws:iam::111122223333:role/open"}
endpoints: {sts: "http://127.0.0.1:4580"}
`

// A dispenser tells its address when it is ready, vends and refuses, logs both
// without secrets, and ends well when told to stop.
func TestDispenserCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"dispenser.yaml": dispenserConfig, "bearer": "planted-bearer-of-acme\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newSite(t, filepath.Join(dir, "sandbox.yaml"), nil).fillIn(t, filepath.Join(dir, "dispenser.yaml"))
	run := command(t, dir, "dispenser", "--config", "dispenser.yaml", "--output", "json")
	var stderr bytes.Buffer
	run.Stderr = &stderr
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var ready struct{ Address string }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("%q %v", line, err)
	}
	ask := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ready.Address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer planted-bearer-of-acme")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	const good = "/acme?organization=acme&external_id=x-42&job_id=j&task_id=0&tool=storage:get&bucket=acme-masters&prefix=in/&access=read"
	status, body := ask(good)
	var session struct{ SecretAccessKey, Token string }
	if err := json.Unmarshal([]byte(body), &session); err != nil || status != http.StatusOK || session.Token == "" {
		t.Errorf("%d %s %v", status, body, err)
	}
	if status, body := ask(strings.Replace(good, "x-42", "x-43", 1)); status != http.StatusForbidden {
		t.Errorf("%d %s", status, body)
	}
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run); code != 0 {
		t.Errorf("exit code %d, not 0", code)
	}
	for _, want := range []string{`"msg":"vended"`, `"msg":"refused"`, `"bucket":"acme-masters"`} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the log lacks %s: %s", want, &stderr)
		}
	}
	for _, secret := range []string{"planted", "x-42", session.SecretAccessKey, session.Token} {
		if strings.Contains(stderr.String(), secret) {
			t.Errorf("the log shows %s: %s", secret, &stderr)
		}
	}
}
