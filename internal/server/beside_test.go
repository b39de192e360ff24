package server_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/api"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A command beside a service that is not there makes none.
func TestBesideNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.LoadServe(filepath.Join(dir, "rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Beside(t.Context(), cfg, nil); rolecall.CodeOf(err) != rolecall.NotFound {
		t.Errorf("%v", err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("%v, %v", made, err)
	}
}

// A second service on one state directory is refused, and names the first.
func TestSecondService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	cfg, err := config.LoadServe(w.path())
	if err != nil {
		t.Fatal(err)
	}
	err = server.Run(t.Context(), server.Options{Config: cfg})
	if rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("%v", err)
	}
}

// So is a second service on one database, from another state directory.
func TestSecondServiceOnDatabase(t *testing.T) {
	t.Parallel()
	url := engines.Database(t)
	first, second := newWorld(t, store.Options{URL: url}, "{}"), unserved(t, store.Options{URL: url}, "{}")
	second.more = "sealing: {key_file: " + filepath.Join(first.dir, "rolecall-state", "seal.json") + "}\n"
	second.declare("{}")
	if err := second.refused(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(err.Error(), "which listens on 127.0.0.1:0") {
		t.Errorf("%v", err)
	}
	first.end()
	second.start()
	second.end()
}

// What the config declares is there, is read-only over HTTP, and is checked.
func TestDeclared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, `{acme: {external_id: {mode: custom, value: x-42}, connections: {masters: {purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media"}}}}`)
	acme := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme", ""))
	if acme.ManagedBy != service.ByConfig || acme.ExternalID != "x-42" || acme.Jobs != service.JobsAny {
		t.Errorf("%+v", acme)
	}
	for path, body := range map[string]string{
		"/api/o/acme/connections/masters": `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/other"}`,
		"/api/o/acme/secrets/keys":        `{"type":"text","value":"planted","host":"example.com"}`,
	} {
		got := w.must(http.StatusConflict, http.MethodPut, path, body)
		hint := read[api.Problem](t, got).Errors[0].Hint
		_, text, _ := strings.Cut(hint, "organizations: ")
		if !strings.Contains(text, `"acme":{"`) || !json.Valid([]byte(text)) || strings.Contains(text, "planted") {
			t.Errorf("%s", hint)
		}
	}
	w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"globex","external_id":{"mode":"custom","value":"X-42"}}`)
	checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/connections/masters/checks", ""))
	if len(checks.Results) != 1 {
		t.Errorf("%+v", checks)
	}

	// What was made over the API and is declared later refuses the start.
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"globex"}`)
	w.end()
	w.declare(`{globex: {}}`)
	if cfg, err := config.LoadServe(w.path()); err != nil {
		t.Error(err)
	} else if err := server.Run(t.Context(), server.Options{Config: cfg}); rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("%v", err)
	}
	// What is not declared any more stays.
	w.declare(`{}`)
	w.start()
	if left := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme", "")); left.ExternalID != "x-42" {
		t.Errorf("%+v", left)
	}
}

// The secrets that the config declares are listed, without their values.
func TestDeclaredSecrets(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, "{}")
	for name, text := range map[string]string{"keys.json": `{"AccessKeyId":"AKIA1","SecretAccessKey":"planted"}`, "text": "planted"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.declare(`{acme: {secrets: {a: {type: aws_access_key, file: ./keys.json, bucket: acme-masters}, b: {type: text, file: ./text, host: example.com}, c: {type: aws_access_key, file: ./keys.json}}}}`)
	w.start()
	var names []string
	for next := "?limit=2"; next != ""; {
		list := read[service.List[service.Secret]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/secrets"+next, ""))
		for _, s := range list.Results {
			names = append(names, s.Name+" "+string(s.Type)+" "+s.Bucket+s.Host)
		}
		if next = ""; list.Next != "" {
			next = "?limit=2&cursor=" + list.Next
		}
	}
	if got := strings.Join(names, ", "); got != "a aws_access_key acme-masters, b text example.com, c aws_access_key " {
		t.Errorf("%s", got)
	}
}

// The first start, and no other, says how the operator signs in: by a link, which
// works once, where only somebody at a terminal sees it.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{true, false} {
		w := unserved(t, inDirectory, "{}")
		w.options.Terminal = terminal
		for _, first := range []bool{true, false} {
			w.start()
			said := strings.Join(w.notes, "\n")
			_, link, linked := strings.Cut(said, w.url)
			if linked != (first && terminal) || strings.Contains(said, "rolecall signin-link") != first {
				t.Errorf("terminal %v, first %v: %s", terminal, first, said)
			}
			if linked {
				link, _, _ = strings.Cut(link, "\n")
				w.cookie(link)
			}
			w.end()
		}
	}
}

// A host is the same whatever its case, and with a dot at its end.
func TestHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"localhost": http.StatusOK, "LOCALHOST": http.StatusOK, "localhost.": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]": http.StatusOK,
		"localhost..": http.StatusMisdirectedRequest, "example.com": http.StatusMisdirectedRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host + ":" + port
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%s: %d", host, answer.StatusCode)
		}
	}
}

// inDirectory is SQLite in the state directory.
var inDirectory = store.Options{}
