package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// newToken makes a token of acme's.
func (w *world) newToken(body string) service.MadeToken {
	w.t.Helper()
	return read[service.MadeToken](w.t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", body))
}

// An organization is changed by a merge patch, each member by who may.
func TestPatchOrganization(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{declared: {}}")
		const acme = "/api/o/acme"
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme","limits":{"running":1,"queued":2}}`)
		admin, submitter := w.newToken(`{"role":"admin"}`).Secret, w.newToken(`{"role":"submitter"}`).Secret
		before := w.must(http.StatusOK, http.MethodGet, acme, "").header.Get("ETag")
		for _, c := range []struct {
			token, body string
			status      int
			want        string // of the organization after it
		}{
			{w.token, `{"name":"Acme Studios"}`, http.StatusOK, `"name":"Acme Studios"`},
			{w.token, `{"limits":{"running":3}}`, http.StatusOK, `"limits":{"running":3,"queued":2}`},
			{w.token, `{"limits":{"queued":null}}`, http.StatusOK, `"limits":{"running":3,"queued":10000}`},
			{w.token, `{"limits":null,"jobs":"any"}`, http.StatusOK, `"jobs":"any","limits":{"running":4,"queued":10000}`},
			{w.token, `{"jobs":null,"name":null}`, http.StatusOK, `"jobs":"connections"`},
			{w.token, `{"jobs":"all"}`, http.StatusUnprocessableEntity, `"jobs":"connections"`},
			{w.token, `{"limits":{"running":-1}}`, http.StatusUnprocessableEntity, `"running":4`},
			{w.token, `{"limits":{"walking":1}}`, http.StatusUnprocessableEntity, `"running":4`},
			{w.token, `{"external_id":"mine"}`, http.StatusUnprocessableEntity, `"running":4`},
			{w.token, `{"paused":"yes"}`, http.StatusUnprocessableEntity, `"paused":false`},
			{submitter, `{"paused":true}`, http.StatusForbidden, `"paused":false`},
			{admin, `{"limits":{"running":9}}`, http.StatusForbidden, `"running":4`},
			{admin, `{"jobs":"any"}`, http.StatusForbidden, `"jobs":"connections"`},
			{admin, `{"name":"Acme","paused":true}`, http.StatusOK, `"paused":true`},
			{admin, `{"paused":false}`, http.StatusOK, `"paused":false`},
			{w.token, `{"paused":true}`, http.StatusOK, `"paused":true`},
			{admin, `{"paused":true}`, http.StatusOK, `"paused":true`},
			{admin, `{"paused":false}`, http.StatusForbidden, `"paused":true`}, // an operator paused it
			{w.token, `{"paused":false}`, http.StatusOK, `"paused":false`},
		} {
			got := w.do(c.token, http.MethodPatch, acme, c.body, "Content-Type", "application/merge-patch+json")
			now := w.must(http.StatusOK, http.MethodGet, acme, "")
			if got.status != c.status || !strings.Contains(string(now.body), c.want) {
				t.Errorf("%s: %d, want %d\n%s\n%s", c.body, got.status, c.status, got.body, now.body)
			}
			if got.status == http.StatusOK && (string(got.body) != string(now.body) || got.header.Get("ETag") != now.header.Get("ETag")) {
				t.Errorf("%s: answered %s, is %s", c.body, got.body, now.body)
			}
		}
		w.must(http.StatusPreconditionFailed, http.MethodPatch, acme, `{"name":"x"}`, "If-Match", before)
		w.must(http.StatusConflict, http.MethodPatch, "/api/o/declared", `{"name":"x"}`)
		w.must(http.StatusOK, http.MethodPatch, "/api/o/declared", `{"paused":true}`)
		w.must(http.StatusConflict, http.MethodDelete, "/api/o/declared", "")
	})
}

// A paused organization's credentials are not given out. What was suspended is
// read, and taken away, and nothing else.
func TestStanding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, `{acme: {connections: {masters: {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/media"}}}}`)
	const masters = "/api/o/acme/connections/masters"
	w.must(http.StatusOK, http.MethodPatch, "/api/o/acme", `{"paused":true}`)
	if got := w.must(http.StatusConflict, http.MethodGet, masters+"/credentials", ""); !strings.Contains(string(got.body), "is paused") {
		t.Errorf("%s", got.body)
	}
	token := w.newToken(`{"role":"viewer"}`)
	w.end()
	w.declare("{}")
	w.start()
	for path, method := range map[string]string{
		"/api/o/acme": http.MethodPatch, "/api/o/acme/tokens": http.MethodPost, masters: http.MethodPut, masters + "/checks": http.MethodPost,
		masters + "/credentials": http.MethodGet, "/api/o/acme/secrets/x": http.MethodPut, masters + "/setup-links": http.MethodPost,
	} {
		body := "{}"
		if method == http.MethodGet {
			body = ""
		}
		if got := w.must(http.StatusConflict, method, path, body); !strings.Contains(string(got.body), "suspended") {
			t.Errorf("%s %s: %s", method, path, got.body)
		}
	}
	for _, path := range []string{"/api/o/acme", masters, "/api/o/acme/tokens", "/api/o/acme/audit", masters + "/checks", masters + "/policies"} {
		w.must(http.StatusOK, http.MethodGet, path, "")
	}
	w.must(http.StatusNoContent, http.MethodDelete, "/api/o/acme/tokens/"+token.ID, "")
	w.must(http.StatusOK, http.MethodDelete, "/api/o/acme", "")
	w.must(http.StatusNotFound, http.MethodGet, "/api/o/acme", "")
}

// A deleted organization has nothing any more but its names and audit records,
// and says what remains at the customer.
func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const masters, role = "/api/o/acme/connections/masters", "arn:aws:iam::111122223333:role/media"
		made := read[service.Organization](t, w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`))
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"globex"}`)
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"`+role+`"}`)
		w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/key", `{"type":"text","value":"planted-value","host":"example.com"}`)
		w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
		if c := w.check(masters, ""); c.Result == nil || *c.Result != "warn" { // the bucket is empty
			t.Fatalf("%+v", c)
		}
		admin := w.newToken(`{"role":"admin"}`).Secret
		_, link := w.setupLink(masters, "")

		if got := w.do(admin, http.MethodDelete, "/api/o/acme", ""); got.status != http.StatusForbidden {
			t.Errorf("an admin deletes it: %d", got.status)
		}
		w.must(http.StatusPreconditionFailed, http.MethodDelete, "/api/o/acme", "", "If-Match", `"9"`)
		dry := w.must(http.StatusOK, http.MethodDelete, "/api/o/acme?dry_run=true", "")
		w.must(http.StatusOK, http.MethodGet, masters, "")
		gone := read[service.Offboarded](t, w.must(http.StatusOK, http.MethodDelete, "/api/o/acme", ""))
		if len(gone.Remains) != 1 || gone.Remains[0].RoleARN != role || gone.Remains[0].Bucket != "acme-masters" || !strings.Contains(string(dry.body), role) {
			t.Errorf("%+v, and tried: %s", gone, dry.body)
		}
		for token, want := range map[string]int{admin: http.StatusUnauthorized, link: http.StatusUnauthorized, w.token: http.StatusNotFound} {
			for _, path := range []string{"/api/o/acme", masters, masters + "/checks", "/api/o/acme/tokens", "/api/o/acme/secrets"} {
				if got := w.do(token, http.MethodGet, path, ""); got.status != want {
					t.Errorf("%s: %d, want %d", path, got.status, want)
				}
			}
		}
		if list := w.must(http.StatusOK, http.MethodGet, "/api/o", ""); strings.Contains(string(list.body), "acme") {
			t.Errorf("%s", list.body)
		}
		// Its names are nobody else's, the claim is free, and nothing sealed is left.
		w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"other","external_id":{"mode":"custom","value":"`+made.ExternalID+`"}}`)
		db := w.sql()
		for _, table := range []string{"claims", "verdicts", "pins", "grants", "secrets", "data_keys", "connections", "checks", "revisions", "members"} {
			var n int
			column := "organization"
			if table == "verdicts" {
				column = "(SELECT organization FROM claims WHERE claims.claim_key = verdicts.claim_key)"
			}
			if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table+` WHERE `+column+` = 'acme'`).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s has %d rows, %v", table, n, err)
			}
		}
		records := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "").body)
		for _, action := range []account.Action{account.OrganizationDelete, account.ConnectionPut, account.SecretPut} {
			if !strings.Contains(records, `"action":"`+string(action)+`"`) {
				t.Errorf("%s is not on record", action)
			}
		}
		// A config that declares it is refused.
		w.end()
		w.declare("{acme: {}}")
		if err := w.refused(); err == nil || !strings.Contains(err.Error(), "was deleted") {
			t.Errorf("%v", err)
		}
	})
}

// Audit records are found by actor and by action, and come as lines too.
func TestAuditLists(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		admin := w.newToken(`{"role":"admin"}`)
		for range 3 {
			if got := w.do(admin.Secret, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`); got.status != http.StatusCreated {
				t.Fatalf("%d", got.status)
			}
		}
		w.do(admin.Secret, http.MethodPost, "/api/o", "{}")
		count := func(path string) (n int) {
			t.Helper()
			lines := w.must(http.StatusOK, http.MethodGet, path, "", "Accept", "application/jsonl")
			if lines.header.Get("Content-Type") != "application/jsonl" {
				t.Errorf("%s: %v", path, lines.header)
			}
			for line := range strings.Lines(string(lines.body)) {
				var r service.AuditRecord
				if err := json.Unmarshal([]byte(line), &r); err != nil || r.ID == "" {
					t.Errorf("%v: %s", err, line)
				}
				n++
			}
			return n
		}
		for path, want := range map[string]int{
			"/api/o/acme/audit":                                                   5,
			"/api/o/acme/audit?limit=2":                                           2,
			"/api/o/acme/audit?actor=" + admin.ID:                                 4,
			"/api/o/acme/audit?action=token.create":                               4,
			"/api/o/acme/audit?action=organization.create":                        1, // refused
			"/api/o/acme/audit?actor=" + admin.ID + "&action=token.create":        3,
			"/api/o/acme/audit?actor=nobody":                                      0,
			"/api/operator/audit?actor=" + admin.ID:                               4,
			"/api/operator/audit?action=organization.create":                      2,
			"/api/operator/audit?action=token.create&limit=200&actor=" + admin.ID: 3,
		} {
			if got := count(path); got != want {
				t.Errorf("%s: %d, want %d", path, got, want)
			}
		}
		// A cursor is for its filters.
		first := read[service.List[service.AuditRecord]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?action=token.create&limit=1", ""))
		w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?action=token.create&limit=1&cursor="+first.Next, "")
		for _, path := range []string{"/api/o/acme/audit?", "/api/o/acme/audit?action=token.delete&", "/api/o/acme/audit?actor=x&action=token.create&", "/api/operator/audit?action=token.create&"} {
			w.must(http.StatusUnprocessableEntity, http.MethodGet, path+"cursor="+first.Next, "")
		}
	})
}

// The operator's tokens are made, listed and revoked over HTTP.
func TestOperatorTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	const tokens = "/api/operator/tokens"
	made := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, tokens, `{"name":"second","expires":"1h"}`))
	if !account.IsToken(made.Secret, account.OperatorPrefix) {
		t.Errorf("%+v", made)
	}
	if got := w.do(made.Secret, http.MethodGet, "/api/o", ""); got.status != http.StatusOK {
		t.Errorf("%d", got.status)
	}
	if list := read[service.List[service.Token]](t, w.must(http.StatusOK, http.MethodGet, tokens, "")); len(list.Results) != 2 {
		t.Errorf("%+v", list)
	}
	w.must(http.StatusNoContent, http.MethodDelete, tokens+"/"+made.ID, "")
	w.must(http.StatusNotFound, http.MethodDelete, tokens+"/"+made.ID, "")
	if got := w.do(made.Secret, http.MethodGet, "/api/o", ""); got.status != http.StatusUnauthorized {
		t.Errorf("%d", got.status)
	}
	w.must(http.StatusUnprocessableEntity, http.MethodPost, tokens, `{"role":"admin"}`)
}
