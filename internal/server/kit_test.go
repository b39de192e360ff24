package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

var engines storetest.Engines

func TestMain(m *testing.M) {
	if os.Getenv(takeOverHere) != "" {
		os.Exit(takeOverAsChild())
	}
	code := storetest.Run(m, &engines)
	// Each answer of each operation was compared with the OpenAPI document.
	whole := flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String()+flag.Lookup("test.fuzz").Value.String() == "" && !testing.Short()
	if left := unanswered(); whole && code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "no test had the service answer with %s\n", strings.Join(left, ", "))
		code = 1
	}
	os.Exit(code)
}

// accounts are a vendor's and a customer's, with an administrator each, and
// nothing set up between them.
const accounts = `
accounts:
  "999988887777":
    users: {admin: {access_key_id: AKIAVENDOR, secret_access_key: administrators, policies: &all [{Statement: {Effect: Allow, Action: "*", Resource: "*"}}]}}
    roles:
      worker:
        access_key_id: ASIAPRODUCTION000000
        secret_access_key: planted-secret-of-production
        session_token: planted-token-of-production
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
  "111122223333":
    users: {admin: {access_key_id: AKIAROLES, secret_access_key: administrators, policies: *all}}
    roles:
      ready:
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Principal: {AWS: "arn:aws:iam::999988887777:role/worker"}, Condition: {StringEquals: {"sts:ExternalId": x-42}}}}
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}]
    buckets: {acme-masters: {region: eu-central-1}, acme-delivery: {region: eu-central-1}}
`

// world is a service, on the sandbox.
type world struct {
	t        testing.TB
	aws      *sandbox.Server
	dir      string
	url      string
	token    string // the operator's
	notes    []string
	rate     int // requests of an organization in a second
	options  server.Options
	database string // URL; empty: SQLite
	again    chan os.Signal
	more     string       // of the config
	log      *slog.Logger // nil: none
	stop     context.CancelFunc
	ended    chan error
}

// newWorld starts a service with a config whose organizations are given, on an
// engine.
func newWorld(t testing.TB, o store.Options, organizations string) *world {
	t.Helper()
	w := unserved(t, o, organizations)
	w.start()
	return w
}

// unserved is a world whose service was not started.
func unserved(t testing.TB, o store.Options, organizations string) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), aws: sandboxtest.Start(t, accounts), database: o.URL, again: make(chan os.Signal),
		rate: 100000, options: server.Options{Failures: 100000},
	}
	w.declare(organizations)
	return w
}

// config reads the config, as rolecall serve does.
func (w *world) config() (*config.Config, error) {
	cfg, err := config.LoadServe(w.path())
	if err == nil {
		cfg.Serve.DatabaseURL = w.database
	}
	return cfg, err
}

// refused starts the service, which must be refused, and returns why.
func (w *world) refused() error {
	w.t.Helper()
	cfg, err := w.config()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	err = server.Run(ctx, server.Options{Config: cfg, Ready: func(server.Started) {
		w.t.Error("the service started")
		stop()
	}})
	if err == nil {
		w.t.Fatal("the service ended well")
	}
	return err
}

func (w *world) path() string { return filepath.Join(w.dir, "rolecall.yaml") }

// declare writes the config.
func (w *world) declare(organizations string) {
	w.t.Helper()
	keys := filepath.Join(w.dir, "worker.json")
	text := fmt.Sprintf(`
principals:
  production: {arn: "arn:aws:iam::999988887777:role/worker", default: true, credentials: {source: static, file: %s}}
endpoints: {sts: %q, s3: %q}
network: {allow: [127.0.0.0/8]}
listen: 127.0.0.1:0
limits: {requests_per_second: %d}
organizations: %s
%s
`, keys, w.aws.URL, w.aws.URL, w.rate, organizations, w.more)
	for path, content := range map[string]string{
		w.path(): text,
		keys:     `{"AccessKeyId":"ASIAPRODUCTION000000","SecretAccessKey":"planted-secret-of-production","SessionToken":"planted-token-of-production"}`,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// start starts the service, and makes a token of the operator's as the command
// does: in the database, beside it.
func (w *world) start() {
	w.t.Helper()
	cfg, err := w.config()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready := make(chan server.Started, 1)
	w.stop, w.ended = stop, make(chan error, 1)
	w.options.Config, w.options.Version, w.options.Again, w.options.Load, w.options.Log = cfg, "test", w.again, w.config, w.log
	w.options.Ready = func(s server.Started) { ready <- s }
	go func(o server.Options, ended chan<- error) { ended <- server.Run(ctx, o) }(w.options, w.ended)
	select {
	case s := <-ready:
		w.url, w.notes = s.URL, s.Notes
	case err := <-w.ended:
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.end() })
	w.token = w.beside(cfg)
}

// end stops the service and checks that it ended well.
func (w *world) end() {
	w.t.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
}

func (w *world) beside(cfg *config.Config) string {
	w.t.Helper()
	opened, err := server.Beside(w.t.Context(), cfg, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	made, err := opened.Service.CreateOperatorToken(w.t.Context(), service.Call{Actor: service.Host()}, service.Given(service.NewOperatorToken{Name: "test"}))
	if err != nil || !account.IsToken(made.Secret, account.OperatorPrefix) {
		w.t.Fatalf("%+v, %v", made, err)
	}
	return made.Secret
}

// reply is what was answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request with a token, and a body where it is not empty. Headers
// are name and value in turn.
func (w *world) do(token, method, path, body string, headers ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r) // follows no redirect
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	got := reply{answer.StatusCode, answer.Header, text}
	asDocumented(w.t, r, []byte(body), got)
	return got
}

// must is do as the operator; the status must be this.
func (w *world) must(status int, method, path, body string, headers ...string) reply {
	w.t.Helper()
	got := w.do(w.token, method, path, body, headers...)
	if got.status != status {
		w.t.Fatalf("%s %s: %d, want %d\n%s", method, path, got.status, status, got.body)
	}
	return got
}

// read reads an answer's body.
func read[T any](t testing.TB, r reply) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%v\n%s", err, r.body)
	}
	return v
}

// paste runs a script of aws commands in an administrator's account.
func (w *world) paste(script []byte, accessKeyID string) {
	w.t.Helper()
	aws := filepath.Join(w.dir, "aws")
	if err := os.WriteFile(aws, []byte("#!/bin/sh\nexec aws --endpoint-url "+w.aws.URL+" \"$@\"\n"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), "sh")
	cmd.Stdin = bytes.NewReader(script)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "AWS="+aws, "AWS_ACCESS_KEY_ID="+accessKeyID, "AWS_SECRET_ACCESS_KEY=administrators",
		"AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

// check checks a connection, and returns the check when it has ended. It waits
// on the events.
func (w *world) check(connection, body string) service.Check {
	w.t.Helper()
	begun := read[service.Check](w.t, w.must(http.StatusAccepted, http.MethodPost, connection+"/checks", body))
	w.must(http.StatusOK, http.MethodGet, connection+"/checks/"+begun.ID+"/events", "")
	return read[service.Check](w.t, w.must(http.StatusOK, http.MethodGet, connection+"/checks/"+begun.ID, ""))
}
