package server_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A secret is used, and found nowhere: not in answers, not in audit records,
// not in the database's files.
func TestSecret(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const planted, acme = "administrators", "/api/o/acme" // the secret access key of AKIAROLES
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		keys := `{"type":"aws_access_key","access_key_id":"AKIAROLES","secret_access_key":"` + planted + `","bucket":"acme-masters"}`
		put := read[service.Secret](t, w.must(http.StatusOK, http.MethodPut, acme+"/secrets/keys", keys))
		if put.Name != "keys" || put.Version != 1 || put.Bucket != "acme-masters" {
			t.Errorf("%+v", put)
		}
		w.must(http.StatusCreated, http.MethodPut, acme+"/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","secret":"keys"}`)
		if got := w.must(http.StatusUnprocessableEntity, http.MethodPut, acme+"/connections/other", `{"purpose":"source","bucket":"acme-delivery","region":"eu-central-1","secret":"keys"}`); !strings.Contains(string(got.body), "bound to another bucket") {
			t.Errorf("%s", got.body)
		}
		if c := w.check(acme+"/connections/masters", ""); c.Result == nil || *c.Result != rolecall.CheckWarn {
			t.Errorf("%+v", c)
		}

		// Sealed under a new key while the service runs, it is still used.
		cfg, err := config.LoadServe(w.path())
		if err != nil {
			t.Fatal(err)
		}
		cfg.Serve.DatabaseURL = w.database
		beside, err := server.Beside(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := beside.RotateSealing(t.Context())
		if err := beside.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || n != 2 { // acme's, and the one that proves the key
			t.Errorf("%d, %v", n, err)
		}
		if c := w.check(acme+"/connections/masters", ""); c.Result == nil || *c.Result != rolecall.CheckWarn {
			t.Errorf("%+v", c)
		}
		w.must(http.StatusOK, http.MethodPut, acme+"/secrets/keys", keys)

		for _, path := range []string{"/secrets", "/audit", "/connections/masters", "/connections/masters/checks"} {
			if got := w.must(http.StatusOK, http.MethodGet, acme+path, ""); bytes.Contains(got.body, []byte(planted)) {
				t.Errorf("%s shows the secret:\n%s", path, got.body)
			}
		}
		if got := w.must(http.StatusConflict, http.MethodDelete, acme+"/secrets/keys", ""); !strings.Contains(string(got.body), "masters") {
			t.Errorf("%s", got.body)
		}
		w.notStored(planted)
		w.must(http.StatusNoContent, http.MethodDelete, acme+"/connections/masters", "")
		w.must(http.StatusNoContent, http.MethodDelete, acme+"/secrets/keys", "")
		w.must(http.StatusNotFound, http.MethodDelete, acme+"/secrets/keys", "")
		if again := read[service.Secret](t, w.must(http.StatusOK, http.MethodPut, acme+"/secrets/keys", keys)); again.Version != 3 {
			t.Errorf("%+v", again)
		}
	})
}

// notStored checks that the text is in no file of the state directory, and in no
// table of the database.
func (w *world) notStored(text string) {
	w.t.Helper()
	err := filepath.WalkDir(filepath.Join(w.dir, "rolecall-state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			w.t.Errorf("it is in %s", path)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	if w.database == "" {
		return
	}
	db := w.sql()
	for _, table := range []string{"secrets", "audit", "connections", "checks", "idempotency", "data_keys", "grants"} {
		var n int
		if err := db.QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM "+table+" r WHERE r::text LIKE '%'||$1||'%'", text).Scan(&n); err != nil || n > 0 {
			w.t.Errorf("it is in %d rows of %s, %v", n, table, err)
		}
	}
}

// What is wrong with a secret is said, each at its place, without its value.
func TestWrongSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, store.Options{}, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	for body, want := range map[string]string{
		`{}`: `/type`,
		`{"type":"password","value":"planted-1"}`:                                                                  `/type`,
		`{"type":"aws_access_key","access_key_id":"AKIA1"}`:                                                        `/secret_access_key`,
		`{"type":"aws_access_key","access_key_id":"AKIA1","secret_access_key":"planted-1","value":"planted-1"}`:    `/value`,
		`{"type":"aws_access_key","access_key_id":"AKIA1","secret_access_key":"planted-1","host":"a.example.com"}`: `/host`,
		`{"type":"text"}`: `/value`,
		`{"type":"text","value":"planted-1","host":"https://a.example.com"}`: `/host`,
		`{"type":"text","value":"planted 1","host":"a.example.com"}`:         `/value`,
		`{"type":"text","value":"planted-1","bucket":"b"}`:                   `/bucket`,
		`{"type":"text","value":["planted-1"]}`:                              `/value`,
		`{"type":"text","value":"planted-1","values":"planted-1"}`:           ``, // the secret may stand in the name's place
	} {
		got := w.must(http.StatusUnprocessableEntity, http.MethodPut, "/api/o/acme/secrets/keys", body)
		if strings.Contains(string(got.body), `"pointer":"`+want+`"`) != (want != "") || strings.Contains(string(got.body), "planted") {
			t.Errorf("%s: want %s\n%s", body, want, got.body)
		}
	}
}
