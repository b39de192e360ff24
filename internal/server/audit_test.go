package server_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// Whoever writes the database cannot change, remove or cut off records unseen.
func TestAuditIsVerified(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		for _, org := range []string{"acme", "globex"} {
			w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"`+org+`"}`)
			for range 3 {
				w.must(http.StatusCreated, http.MethodPost, "/api/o/"+org+"/tokens", `{"role":"viewer"}`)
			}
		}
		w.end()
		cfg, err := config.LoadServe(w.path())
		if err != nil {
			t.Fatal(err)
		}
		cfg.Serve.DatabaseURL = w.database
		db := w.sql()
		verify := func() map[string]service.Finding {
			t.Helper()
			beside, err := server.Beside(t.Context(), cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = beside.Close() }()
			findings, err := beside.VerifyAudit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]service.Finding{}
			for _, f := range findings {
				out[f.Organization] = f
			}
			return out
		}
		if all := verify(); all["acme"].Records != 3 || all["acme"].Fault != "" || all["acme"].Unlinked != 0 || all[""].Records != 3 {
			t.Errorf("%+v", all)
		}
		for name, attack := range map[string]struct{ change, back, want string }{
			"changed":   {`UPDATE audit SET record = record || ' ' WHERE organization = 'acme' AND sequence = 2`, `UPDATE audit SET record = substr(record, 1, length(record) - 1) WHERE organization = 'acme' AND sequence = 2`, "record 2"},
			"missing":   {`UPDATE audit SET organization = 'x' WHERE organization = 'acme' AND sequence = 2`, `UPDATE audit SET organization = 'acme' WHERE organization = 'x'`, "record 2 is missing"},
			"the first": {`UPDATE audit SET organization = 'x' WHERE organization = 'acme' AND sequence = 1`, `UPDATE audit SET organization = 'acme' WHERE organization = 'x'`, "record 1 is missing"},
			"cut off":   {`UPDATE audit SET organization = 'x' WHERE organization = 'acme' AND sequence = 3`, `UPDATE audit SET organization = 'acme' WHERE organization = 'x'`, "from 3 to 3 are missing"},
			"all":       {`UPDATE audit SET organization = 'x' WHERE organization = 'acme'`, `UPDATE audit SET organization = 'acme' WHERE organization = 'x'`, "all records are missing"},
		} {
			if _, err := db.ExecContext(t.Context(), attack.change); err != nil {
				t.Fatal(err)
			}
			all := verify()
			if !strings.Contains(all["acme"].Fault, attack.want) || all["globex"].Fault != "" {
				t.Errorf("%s: %+v", name, all)
			}
			if _, err := db.ExecContext(t.Context(), attack.back); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// sql opens the database as somebody who has its file or password.
func (w *world) sql() *sql.DB {
	w.t.Helper()
	driver, name := "sqlite", filepath.Join(w.dir, "rolecall-state", "rolecall.db")+"?_pragma=busy_timeout(10000)"
	if w.database != "" {
		driver, name = "pgx", w.database
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}
