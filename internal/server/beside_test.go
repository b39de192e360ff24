package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/rolecall/rolecall"
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
		"/api/o/acme/secrets/keys":        `{"type":"text","value":"x"}`,
	} {
		w.must(http.StatusConflict, http.MethodPut, path, body)
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

// inDirectory is SQLite in the state directory.
var inDirectory = store.Options{}
