package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// operations are those of the OpenAPI document, as method and path.
func operations() (out []string) {
	for _, op := range allOperations() {
		out = append(out, op.Method+" "+op.Path)
	}
	return out
}

// Everybody gets at what is theirs, and at nothing else: every operation that
// the OpenAPI document has below an organization, by every kind of actor. An
// operation that is added is tried with all of them.
func TestIsolation(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		token := func(org, body string) service.MadeToken {
			return read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/"+org+"/tokens", body))
		}
		for _, org := range []string{"acme", "globex"} {
			w.must(http.StatusCreated, http.MethodPost, "/api/o", fmt.Sprintf(`{"api_name":%q}`, org))
			w.must(http.StatusCreated, http.MethodPut, "/api/o/"+org+"/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		}
		revoked := token("acme", `{"role":"admin"}`)
		w.must(http.StatusNoContent, http.MethodDelete, "/api/o/acme/tokens/"+revoked.ID, "")
		theirs := w.check("/api/o/globex/connections/masters", "")
		their := token("globex", `{"role":"viewer"}`)

		link := func(org, connection string) string {
			_, token := w.setupLink("/api/o/"+org+"/connections/"+connection, "")
			return token
		}
		w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/others", `{"purpose":"source","bucket":"acme-masters"}`)
		dead, revokedLink := w.setupLink("/api/o/acme/connections/masters", "")
		w.must(http.StatusNoContent, http.MethodDelete, "/api/o/acme/connections/masters/setup-links/"+dead.ID, "")
		theirLink, _ := w.setupLink("/api/o/globex/connections/masters", "")

		const ours, none, forbidden, unknown = 0, http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized
		actors := []struct {
			name, token string
			reads       int // on what a viewer may do in acme
			connects    int // on what a setup link is for; of setup links only
			writes      int // on all else there
		}{
			{"nobody", "", unknown, unknown, unknown},
			{"an odd token", "rcs_" + strings.Repeat("0", 36), unknown, unknown, unknown},
			{"a revoked admin", revoked.Secret, unknown, unknown, unknown},
			{"an expired admin", token("acme", `{"role":"admin","expires":"1ns"}`).Secret, unknown, unknown, unknown},
			{"another organization's admin", token("globex", `{"role":"admin"}`).Secret, none, none, none},
			{"a credentials token", token("acme", `{"role":"credentials","connection":"masters","access":"read"}`).Secret, forbidden, forbidden, forbidden},
			{"a setup link", link("acme", "masters"), forbidden, ours, forbidden},
			{"another connection's setup link", link("acme", "others"), forbidden, none, forbidden},
			{"another organization's setup link", link("globex", "masters"), none, none, none},
			{"a revoked setup link", revokedLink, unknown, unknown, unknown},
			{"a viewer", token("acme", `{"role":"viewer"}`).Secret, ours, forbidden, forbidden},
			{"a submitter", token("acme", `{"role":"submitter"}`).Secret, ours, forbidden, forbidden},
			{"an admin", token("acme", `{"role":"admin"}`).Secret, ours, ours, ours},
		}
		// What a viewer may do. All else needs an admin.
		reads := []string{
			"GET /api/o/{org}", "GET /api/o/{org}/connections", "GET /api/o/{org}/connections/{name}", "GET /api/o/{org}/connections/{name}/policies",
			"GET /api/o/{org}/connections/{name}/checks", "GET /api/o/{org}/connections/{name}/checks/{id}", "GET /api/o/{org}/connections/{name}/checks/{id}/events",
		}
		connects := []string{
			"GET /api/o/{org}/connections/{name}", "PUT /api/o/{org}/connections/{name}", "GET /api/o/{org}/connections/{name}/policies", "GET /api/o/{org}/connections/{name}/checks",
			"POST /api/o/{org}/connections/{name}/checks", "GET /api/o/{org}/connections/{name}/checks/{id}", "GET /api/o/{org}/connections/{name}/checks/{id}/events",
		}
		tried := 0
		for _, op := range operations() {
			method, path, _ := strings.Cut(op, " ")
			operators := strings.HasPrefix(path, "/api/operator/")
			if !operators && !strings.HasPrefix(path, "/api/o/{org}") {
				continue
			}
			for _, a := range actors {
				want := a.writes
				switch {
				case operators && want != unknown, op == "DELETE /api/o/{org}" && a.name == "an admin":
					want = forbidden
				case strings.Contains(a.name, "setup link") && slices.Contains(connects, op):
					want = a.connects
				case slices.Contains(reads, op):
					want = a.reads
				}
				if want == ours || a.name == "a credentials token" && strings.HasSuffix(path, "/credentials") {
					continue // other tests do it
				}
				tried++
				// A wrong body comes last, so that it tells nothing.
				got := w.do(a.token, method, strings.NewReplacer("{org}", "acme", "{name}", "masters", "{id}", "none").Replace(path), "{")
				if method == http.MethodGet {
					got = w.do(a.token, method, strings.NewReplacer("{org}", "acme", "{name}", "masters", "{id}", "none").Replace(path), "")
				}
				if got.status != want {
					t.Errorf("%s as %s: %d, want %d\n%s", op, a.name, got.status, want, got.body)
				}
				if want != none {
					continue
				}
				// Another's answers as what does not exist.
				taken, free := "acme", "nobody"
				if a.name == "another connection's setup link" {
					taken, free = "masters", "nothing"
				}
				name := strings.NewReplacer("{org}", "acme", "{name}", "masters", "{id}", "none").Replace(path)
				missing := w.do(a.token, method, strings.Replace(name, "/"+taken, "/"+free, 1), "")
				if string(missing.body) != strings.ReplaceAll(string(got.body), taken, free) {
					t.Errorf("%s as %s tells that it exists:\n%s\n%s", op, a.name, got.body, missing.body)
				}
			}
		}
		if tried < 100 {
			t.Errorf("%d were tried", tried)
		}

		// Ids of others are worth nothing in one's own organization.
		admin := actors[len(actors)-1].token
		for path, method := range map[string]string{
			"/connections/masters/checks/" + theirs.ID:             http.MethodGet,
			"/connections/masters/checks/" + theirs.ID + "/events": http.MethodGet,
			"/connections/masters/setup-links/" + theirLink.ID:     http.MethodDelete,
			"/tokens/" + their.ID:                                  http.MethodDelete,
		} {
			if got := w.do(admin, method, "/api/o/acme"+path, ""); got.status != http.StatusNotFound {
				t.Errorf("%s %s: %d\n%s", method, path, got.status, got.body)
			}
		}
		if got := w.do(their.Secret, http.MethodGet, "/api/o/globex", ""); got.status != http.StatusOK {
			t.Errorf("their token: %d", got.status)
		}
		// Nor are cursors.
		cursor := read[service.List[service.Token]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/globex/tokens?limit=1", "")).Next
		if got := w.do(admin, http.MethodGet, "/api/o/acme/tokens?cursor="+cursor, ""); cursor == "" || got.status != http.StatusUnprocessableEntity {
			t.Errorf("their cursor %q: %d\n%s", cursor, got.status, got.body)
		}
		// An organization's own list is of itself.
		list := read[service.List[service.Organization]](t, w.do(admin, http.MethodGet, "/api/o", ""))
		if len(list.Results) != 1 || list.Results[0].APIName != "acme" {
			t.Errorf("%+v", list)
		}
		if got := w.do(admin, http.MethodPost, "/api/o", "{"); got.status != http.StatusForbidden {
			t.Errorf("an admin makes an organization: %d", got.status)
		}
		// However long a name is, its record is short.
		if got := w.do(their.Secret, http.MethodDelete, "/api/o/globex/tokens/"+strings.Repeat("é", 5000), ""); got.status != http.StatusForbidden {
			t.Errorf("%d\n%s", got.status, got.body)
		}
		if got := w.must(http.StatusOK, http.MethodGet, "/api/o/globex/audit?limit=1", ""); len(got.body) > 2000 || !strings.Contains(string(got.body), "…") {
			t.Errorf("%d bytes are on record: %.300s", len(got.body), got.body)
		}
		// What was refused is on the record of who tried it.
		for org, want := range map[string]bool{"acme": true, "globex": true} {
			found := strings.Contains(string(w.must(http.StatusOK, http.MethodGet, "/api/o/"+org+"/audit?limit=200", "").body), `"decision":"refused"`)
			if found != want {
				t.Errorf("%s has a refusal on record: %v", org, found)
			}
		}
	})
}
