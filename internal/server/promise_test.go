package server_test

import (
	"net/http"
	"testing"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// What is answered holds: who made a thing, which connection a repeated request was
// about, that an id is one that will be, and an external id that an operator chose.
func TestAnswersHold(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const acme, masters = "/api/o/acme", "/api/o/acme/connections/masters"
		const connection = `{"purpose":"source","bucket":"acme-masters","role_arn":"arn:aws:iam::111122223333:role/media"}`
		if tried := read[service.Organization](t, w.must(http.StatusCreated, http.MethodPost, "/api/o?dry_run=true", `{"api_name":"acme"}`)); tried.ExternalID != "" || len(tried.ExternalIDs) > 0 {
			t.Errorf("%+v", tried)
		}
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		admin := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, acme+"/tokens", `{"role":"admin"}`))
		made := read[service.MadeToken](t, w.do(admin.Secret, http.MethodPost, acme+"/tokens", `{"role":"viewer"}`))
		if made.CreatedBy != admin.ID {
			t.Errorf("%+v, by %s", made, admin.ID)
		}

		w.must(http.StatusCreated, http.MethodPut, masters, connection)
		first := read[service.MadeSetupLink](t, w.must(http.StatusCreated, http.MethodPost, masters+"/setup-links", "{}", "Idempotency-Key", "k"))
		w.must(http.StatusConflict, http.MethodPost, masters+"/setup-links", "{}", "Idempotency-Key", "k")
		w.must(http.StatusNoContent, http.MethodDelete, masters, "")
		w.must(http.StatusCreated, http.MethodPut, masters, connection)
		if again := read[service.MadeSetupLink](t, w.must(http.StatusCreated, http.MethodPost, masters+"/setup-links", "{}", "Idempotency-Key", "k")); again.ID == first.ID {
			t.Errorf("%+v", again)
		}

		if tried := read[service.Rotation](t, w.must(http.StatusCreated, http.MethodPost, acme+"/external-id/rotations?dry_run=true", "{}")); tried.New != "" || tried.Old == "" {
			t.Errorf("%+v", tried)
		}

		w.must(http.StatusOK, http.MethodPut, acme+"/secrets/keys", `{"type":"aws_access_key","access_key_id":"AKIAROLES","secret_access_key":"administrators","bucket":"acme-masters"}`)
		w.must(http.StatusCreated, http.MethodPut, acme+"/connections/own", `{"purpose":"source","bucket":"acme-masters","external_id":{"mode":"custom","value":"own-4711"}}`)
		const static = `{"purpose":"source","bucket":"acme-masters","secret":"keys"}`
		if got := w.do(admin.Secret, http.MethodPut, acme+"/connections/own", static); got.status != http.StatusForbidden {
			t.Errorf("%d: %s", got.status, got.body)
		}
		w.must(http.StatusOK, http.MethodPut, acme+"/connections/own", static)
	})
}
