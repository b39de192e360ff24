package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// adopt moves an organization to the API, as the command does.
func (w *world) adopt(organization string) (service.Adopted, error) {
	w.t.Helper()
	cfg, err := w.config()
	if err != nil {
		w.t.Fatal(err)
	}
	opened, err := server.Beside(w.t.Context(), cfg, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	return opened.Adopt(w.t.Context(), service.Call{Actor: service.Host()}, organization)
}

// An organization goes from the file to the API, declared or suspended, with its
// ids, checks and secrets; the file may declare it no more.
func TestAdopt(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		for _, suspended := range []bool{false, true} {
			w := unserved(t, o, "{}")
			if o.URL != "" {
				w.database = engines.Database(t)
			}
			if err := os.WriteFile(filepath.Join(w.dir, "keys.json"), []byte(`{"access_key_id":"AKIAROLES","secret_access_key":"administrators"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			whole := strings.Replace(two, "connections: {", "secrets: {keys: {type: aws_access_key, file: ./keys.json, bucket: acme-delivery}}, connections: {keyed: {purpose: source, bucket: acme-delivery, region: eu-central-1, secret: keys}, ", 1)
			w.declare(whole)
			w.start()
			begun := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")).Results[0].ID
			w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun+"/events", "")
			was, _ := w.status(masters)
			if suspended {
				w.declare(`{globex: {}}`)
				w.readAgain()
			}
			if _, err := w.adopt("nobody"); rolecall.CodeOf(err) != rolecall.NotFound {
				t.Errorf("adopt nobody: %v", err)
			}
			adopted, err := w.adopt("acme")
			if err != nil || adopted.ExternalID != "x-42" || (len(adopted.Secrets) == 1) != suspended {
				t.Fatalf("suspended %v: %+v, %v", suspended, adopted, err)
			}
			if _, err := w.adopt("acme"); rolecall.CodeOf(err) != rolecall.Conflict {
				t.Errorf("adopt again: %v", err)
			}
			is, _ := w.status(masters)
			if is.ID != was.ID || is.Status != service.Verified || is.Suspended {
				t.Errorf("suspended %v: %+v, and was %+v", suspended, is, was)
			}
			if checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")); len(checks.Results) != 1 {
				t.Errorf("checks: %+v", checks)
			}
			w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")
			if suspended {
				w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/keys", `{"type":"aws_access_key","access_key_id":"AKIAROLES","secret_access_key":"administrators","bucket":"acme-delivery"}`)
			}
			if got := w.check("/api/o/acme/connections/keyed", ""); got.Result == nil || *got.Result == rolecall.CheckFail {
				t.Errorf("with the secret: %+v", got)
			}
			w.must(http.StatusOK, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/ready"}`)

			// In the file it is refused, by the service and by commands.
			w.end()
			w.declare(whole)
			if err := w.refused(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(err.Error(), "line") {
				t.Errorf("declared again: %v", err)
			}
			if _, err := w.command(); rolecall.CodeOf(err) != rolecall.Conflict {
				t.Errorf("a command: %v", err)
			}
			w.declare(`{globex: {}}`)
			w.start()
			if left, _ := w.status(masters); left.ID != was.ID {
				t.Errorf("%+v", left)
			}
		}
	})
}
