package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A check that waits for a role ends at once when its connection is deleted,
// changed or suspended, or its organization is deleted.
func TestOutdatedCheckEnds(t *testing.T) {
	t.Parallel()
	const masters = "/api/o/acme/connections/masters"
	const connection = `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`
	other := strings.Replace(connection, "role/media", "role/other", 1)
	for name, end := range map[string]func(w *world){
		"deleted": func(w *world) { w.must(http.StatusNoContent, http.MethodDelete, masters, "") },
		"made again": func(w *world) {
			w.must(http.StatusNoContent, http.MethodDelete, masters, "")
			w.must(http.StatusCreated, http.MethodPut, masters, connection)
		},
		"another role": func(w *world) { w.must(http.StatusOK, http.MethodPut, masters, other) },
		"organization": func(w *world) { w.must(http.StatusOK, http.MethodDelete, "/api/o/acme", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines.Each(t, func(t *testing.T, o store.Options) {
				w := newWorld(t, o, "{}")
				w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
				w.must(http.StatusCreated, http.MethodPut, masters, connection)
				w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"10m"}`)
				w.must(http.StatusConflict, http.MethodPost, masters+"/checks", "")
				end(w)
				w.allEnded()
			})
		})
	}
	t.Run("suspended", func(t *testing.T) {
		t.Parallel()
		const declared = `{acme: {connections: {masters: {purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media"}}}}`
		for _, without := range []string{"{}", "{acme: {}}"} {
			w := newWorld(t, inDirectory, declared)
			list := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")).Results
			w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+list[0].ID+"/events", "") // of the start
			w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"10m"}`)
			w.declare(without)
			w.readAgain()
			w.allEnded()
		}
	})
}

// allEnded waits until no check runs.
func (w *world) allEnded() {
	w.t.Helper()
	db := w.sql()
	for until := time.Now().Add(30 * time.Second); ; {
		var n int
		if err := db.QueryRowContext(w.t.Context(), `SELECT COUNT(*) FROM checks WHERE ended = 0`).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(until) {
			w.t.Fatalf("%d checks run", n)
		}
		<-time.After(20 * time.Millisecond)
	}
}
