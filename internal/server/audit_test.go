package server_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		db, verify := w.sql(), w.verify
		if all := verify(); all["acme"].Records != 3 || all["acme"].Fault != "" || all["acme"].Unlinked != 0 || all[""].Records != 3 {
			t.Errorf("%+v", all)
		}
		for name, attack := range map[string]struct{ change, back, want string }{
			"changed":   {`UPDATE audit SET record = record || ' ' WHERE organization = 'acme' AND sequence = 2`, `UPDATE audit SET record = substr(record, 1, length(record) - 1) WHERE organization = 'acme' AND sequence = 2`, "record 2"},
			"hidden":    {`UPDATE audit SET actor = '', action = '' WHERE organization = 'acme' AND sequence = 2`, `UPDATE audit SET actor = (SELECT a.actor FROM audit a WHERE a.organization = 'acme' AND a.sequence = 1), action = 'token.create' WHERE organization = 'acme' AND sequence = 2`, "record 2"},
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

// Records that were cut off are missed for good: neither the next record nor a
// start covers it up.
func TestAuditIsMissedForGood(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := unserved(t, o, "{}")
		log := &lines{}
		w.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
		w.start()
		orgs := []string{"quiet", "running", "stopped", "whole"}
		for _, org := range orgs {
			w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"`+org+`"}`)
			for range 3 {
				w.must(http.StatusCreated, http.MethodPost, "/api/o/"+org+"/tokens", `{"role":"viewer"}`)
			}
		}
		w.end()
		db := w.sql()
		do := func(statement string, args ...any) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		w.linked(db)
		do(`DELETE FROM audit WHERE organization = 'running' AND sequence > 1`)
		w.must(http.StatusCreated, http.MethodPost, "/api/o/running/tokens", `{"role":"viewer"}`)
		w.linked(db)
		w.end()
		do(`DELETE FROM audit WHERE organization = 'stopped'`)
		w.start()
		w.must(http.StatusCreated, http.MethodPost, "/api/o/stopped/tokens", `{"role":"viewer"}`)
		w.must(http.StatusCreated, http.MethodPost, "/api/o/whole/tokens", `{"role":"viewer"}`)
		w.end()
		w.start()
		w.end()
		all := w.verify()
		for org, want := range map[string]string{"running": "record 2 is missing", "stopped": "record 1 is missing"} {
			if all[org].Fault != want {
				t.Errorf("%s: %+v", org, all[org])
			}
		}
		if all["quiet"].Fault != "" || all["whole"].Fault != "" || all["whole"].Records != 4 || all[""].Fault != "" {
			t.Errorf("%+v", all)
		}
		text := log.take()
		for _, org := range orgs {
			if logged := strings.Contains(text, "org="+org); logged != (all[org].Fault != "") {
				t.Errorf("%s: the log says\n%s", org, text)
			}
		}
	})
}

// The heads that are kept are worth as much as the key that signs them.
func TestAuditHeadsAreKept(t *testing.T) {
	t.Parallel()
	heads := func(w *world) string { return filepath.Join(w.dir, "rolecall-state", "audit-heads.json") }
	for name, attack := range map[string]func(*world) error{
		"removed": func(w *world) error { return os.Remove(heads(w)) },
		"emptied": func(w *world) error { return os.WriteFile(heads(w), []byte("{}"), 0o600) },
		"changed": func(w *world) error {
			text, err := os.ReadFile(heads(w))
			return errors.Join(err, os.WriteFile(heads(w), bytes.Replace(text, []byte(`"acme":{"sequence":2`), []byte(`"acme":{"sequence":1`), 1), 0o600))
		},
		"not JSON": func(w *world) error { return os.WriteFile(heads(w), nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, store.Options{}, "{}")
			w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
			for range 2 {
				w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)
			}
			w.end()
			if fault := w.verify()["acme"].Fault; fault != "" {
				t.Fatal(fault)
			}
			if _, err := w.sql().ExecContext(t.Context(), `DELETE FROM audit WHERE organization = 'acme' AND sequence = 2`); err != nil {
				t.Fatal(err)
			}
			if err := attack(w); err != nil {
				t.Fatal(err)
			}
			for when := range 2 {
				if fault := w.verify()["acme"].Fault; !strings.Contains(fault, "audit-heads.json, was removed or changed") {
					t.Errorf("%d: %q", when, fault)
				}
				w.start() // which does not make it good
				w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)
				w.end()
			}
		})
	}
}

// Whoever inserts a record has it linked, and found.
func TestInsertedAuditRecord(t *testing.T) {
	t.Parallel()
	const insert = `INSERT INTO audit (id, organization, record, actor, action, sequence, link)
		SELECT $1, organization, replace(record, '"20', '"' || $2), actor, action, 0, '' FROM audit WHERE organization = 'acme' AND sequence = 1`
	for name, forged := range map[string]struct {
		id, century string
		serving     bool
	}{
		"past stopped":   {"000", "10", false},
		"past serving":   {"000", "10", true},
		"future stopped": {"zzz", "30", false},
		"future serving": {"zzz", "30", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, store.Options{}, "{}")
			w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
			w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)
			db := w.sql()
			w.linked(db)
			if !forged.serving {
				w.end()
			}
			if _, err := db.ExecContext(t.Context(), insert, forged.id, forged.century); err != nil {
				t.Fatal(err)
			}
			if !forged.serving {
				if fault := w.verify()["acme"].Fault; !strings.Contains(fault, "record "+forged.id) {
					t.Errorf("not linked: %q", fault)
				}
				w.start()
			}
			w.linked(db)
			w.end()
			if fault := w.verify()["acme"].Fault; fault == "" {
				t.Error("linked: nothing was found")
			}
		})
	}
}

// verify is rolecall audit verify.
func (w *world) verify() map[string]service.Finding {
	w.t.Helper()
	cfg, err := w.config()
	if err != nil {
		w.t.Fatal(err)
	}
	beside, err := server.Beside(w.t.Context(), cfg, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	findings, err := beside.VerifyAudit(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]service.Finding{}
	for _, f := range findings {
		out[f.Organization] = f
	}
	return out
}

// linked waits until the service has linked all records.
func (w *world) linked(db *sql.DB) {
	w.t.Helper()
	for n := -1; n != 0; {
		if err := db.QueryRowContext(w.t.Context(), `SELECT COUNT(*) FROM audit WHERE sequence = 0`).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal("records are not linked")
		case <-time.After(10 * time.Millisecond):
		}
	}
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
