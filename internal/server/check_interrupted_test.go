package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A check that proves the external id which is being replaced counts for nothing:
// it ends, and the rotation goes on.
func TestRotationDuringCheck(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const masters, rotations = "/api/o/acme/connections/masters", "/api/o/acme/external-id/rotations"
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		w.put("acme-masters", "a.mov")
		w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
		if c := w.check(masters, `{"wait":"1ms"}`); *c.Result != rolecall.CheckPass {
			t.Fatalf("%+v", c)
		}
		w.paste([]byte("\"$AWS\" iam delete-role-policy --role-name media --policy-name rolecall-masters\n"), "AKIAROLES")
		begun := read[service.Check](t, w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"10m"}`))
		w.must(http.StatusCreated, http.MethodPost, rotations, "")
		w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID+"/events", "") // until its end
		if ended := read[service.Check](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID, "")); !ended.Interrupted {
			t.Errorf("%+v", ended)
		}
		if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, "")); c.Status != service.Verified || len(c.ExternalIDs) != 2 {
			t.Errorf("%+v", c)
		}
		w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")
	})
}

// A check whose end cannot be stored at once, since the database is away, ends when
// that is back; no check blocks its connection that nobody runs.
func TestCheckWhileDatabaseIsAway(t *testing.T) {
	t.Parallel()
	o := store.Options{URL: engines.Database(t)}
	w, log := unserved(t, o, "{}"), &lines{}
	w.log = slog.New(slog.NewTextHandler(log, nil))
	w.start()
	const masters = "/api/o/acme/connections/masters"
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
	away := func(away bool) {
		t.Helper()
		at, err := url.Parse(o.URL)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(at.Path, "/")
		at.Path = "/postgres"
		db, err := sql.Open("pgx", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", name, !away)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND $2", name, away); err != nil {
			t.Fatal(err)
		}
	}
	begun := read[service.Check](t, w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"2s"}`))
	away(true)
	for !strings.Contains(log.take(), "tried again until the database takes it") {
		if got := w.do(w.token, http.MethodGet, masters, ""); got.status != http.StatusServiceUnavailable {
			t.Fatalf("%d: %s", got.status, got.body)
		}
	}
	away(false)
	w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID+"/events", "")
	if ended := read[service.Check](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID, "")); ended.Result == nil {
		t.Errorf("%+v", ended)
	}
	if c := w.check(masters, `{"wait":"1ms"}`); c.Result == nil {
		t.Errorf("%+v", c)
	}

	// One that is left in the database by whatever else.
	if _, err := w.sql().ExecContext(context.Background(), "UPDATE checks SET ended = 0 WHERE id = $1", begun.ID); err != nil {
		t.Fatal(err)
	}
	if c := w.check(masters, `{"wait":"1ms"}`); c.Result == nil {
		t.Errorf("%+v", c)
	}
	if left := read[service.Check](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID, "")); left.Ended == nil {
		t.Errorf("%+v", left)
	}
}

// A connection that is put again as it is, or with another probe_key, while a check
// of it runs, is verified by that check.
func TestSameConnectionDuringCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	const masters = "/api/o/acme/connections/masters"
	const connection = `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, masters, connection)
	w.put("acme-masters", "a.mov")
	begun := read[service.Check](t, w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"10m"}`))
	w.must(http.StatusOK, http.MethodPut, masters, connection)
	w.must(http.StatusOK, http.MethodPut, masters, strings.Replace(connection, `"region"`, `"probe_key":"a.mov","region"`, 1))
	w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
	w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID+"/events", "")
	if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, "")); c.Status != service.Verified || c.Checked == nil {
		t.Errorf("%+v", c)
	}
}
