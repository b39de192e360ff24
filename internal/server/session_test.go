package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// signInLink makes a sign-in link as the command does: in the database, beside
// the service.
func (w *world) signInLink(n service.NewSignInLink) string {
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
	made, err := opened.Service.CreateSignInLink(w.t.Context(), service.Call{Actor: service.Host()}, n)
	if err != nil || !strings.HasPrefix(made.URL, w.url+"/signin/"+account.SignInPrefix) {
		w.t.Fatalf("%+v, %v", made, err)
	}
	return strings.TrimPrefix(made.URL, w.url)
}

// cookie signs in by a link, and returns the Cookie header of the session.
func (w *world) cookie(link string) string {
	w.t.Helper()
	got := w.page(http.MethodPost, link)
	if got.status != http.StatusSeeOther {
		w.t.Fatalf("%d\n%s", got.status, got.body)
	}
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" || !account.IsToken(cookies[0].Value, account.SessionPrefix) {
		w.t.Fatalf("%v", got.header)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

// page asks for a page, without following where it leads.
func (w *world) page(method, path string, headers ...string) reply {
	w.t.Helper()
	return w.do("", method, path, "", headers...)
}

// A link signs in once, and looking at it does not spend it. The cookie reads
// below /api, and nothing else.
func TestSignIn(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"globex"}`)
		w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters"}`)
		link := w.signInLink(service.NewSignInLink{Organization: "acme", Role: account.Admin})
		for range 2 {
			got := w.page(http.MethodGet, link)
			if got.status != http.StatusOK || !strings.Contains(string(got.body), "admin of acme") || got.header.Get("Set-Cookie") != "" ||
				!strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'none'") || got.header.Get("Referrer-Policy") != "no-referrer" {
				t.Fatalf("%d %v\n%s", got.status, got.header, got.body)
			}
		}
		for path, method := range map[string]string{"/signout": http.MethodGet, link: http.MethodPut, "/signin": http.MethodDelete} {
			if got := w.page(method, path); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") == "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %d %v", method, got.status, got.header)
			}
		}
		// A page of somebody else's cannot spend it.
		for _, site := range []string{"cross-site", "same-site"} {
			if got := w.page(http.MethodPost, link, "Sec-Fetch-Site", site); got.status != http.StatusForbidden {
				t.Errorf("%s: %d", site, got.status)
			}
		}
		cookie := w.cookie(link)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := w.page(method, link); got.status != http.StatusNotFound {
				t.Errorf("%s again: %d", method, got.status)
			}
		}
		for path, want := range map[string]int{
			"/api/o/acme": http.StatusOK, "/api/o/acme/tokens": http.StatusOK, "/api/o/acme/audit": http.StatusOK, "/api/sessions": http.StatusOK, "/api/o/globex": http.StatusNotFound,
			"/api/operator/audit": http.StatusForbidden, "/api/o/acme/connections/masters/credentials": http.StatusUnauthorized,
		} {
			if got := w.do("", http.MethodGet, path, "", "Cookie", cookie); got.status != want {
				t.Errorf("%s: %d, want %d\n%s", path, got.status, want, got.body)
			}
		}
		for method, path := range map[string]string{http.MethodPost: "/api/o/acme/tokens", http.MethodPut: "/api/o/acme/connections/x", http.MethodDelete: "/api/o/acme/connections/masters", http.MethodPatch: "/api/o/acme"} {
			if got := w.do("", method, path, "{}", "Cookie", cookie); got.status != http.StatusUnauthorized {
				t.Errorf("%s %s: %d\n%s", method, path, got.status, got.body)
			}
		}
		// A cookie is no token, and a token no cookie.
		name, value, _ := strings.Cut(cookie, "=")
		if got := w.do(value, http.MethodGet, "/api/o/acme", ""); got.status != http.StatusUnauthorized {
			t.Errorf("as a token: %d", got.status)
		}
		if got := w.do("", http.MethodGet, "/api/o/acme", "", "Cookie", name+"="+w.token); got.status != http.StatusUnauthorized {
			t.Errorf("a token as a cookie: %d", got.status)
		}
		w.notStored(value)
		w.notStored(strings.TrimPrefix(link, "/signin/"))

		if got := w.page(http.MethodGet, "/signin", "Cookie", cookie); !strings.Contains(string(got.body), "admin of acme") {
			t.Errorf("%s", got.body)
		}
		if got := w.page(http.MethodPost, "/signout", "Cookie", cookie, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
			t.Errorf("%d", got.status)
		}
		if got := w.page(http.MethodPost, "/signout", "Cookie", cookie); got.status != http.StatusSeeOther {
			t.Errorf("%d", got.status)
		}
		if got := w.do("", http.MethodGet, "/api/o/acme", "", "Cookie", cookie); got.status != http.StatusUnauthorized {
			t.Errorf("after signing out: %d", got.status)
		}
		records := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "").body)
		for _, action := range []account.Action{account.SignInLinkCreate, account.SessionCreate, account.SessionDelete} {
			if !strings.Contains(records, `"action":"`+string(action)+`"`) {
				t.Errorf("%s is not on record", action)
			}
		}
		if strings.Contains(records, value) || strings.Contains(records, strings.TrimPrefix(link, "/signin/")) {
			t.Error("a secret is on record")
		}
	})
}

// A session ends by itself when it is old, or was not used.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		db := w.sql()
		const hour = 3_600_000_000
		for name, c := range map[string]struct {
			n             service.NewSignInLink
			expires, used int64 // hours before now
			want          int
		}{
			"fresh":         {service.NewSignInLink{}, 0, 11, http.StatusOK},
			"idle":          {service.NewSignInLink{Organization: "acme", Role: account.Viewer}, 0, 13, http.StatusUnauthorized},
			"a day old":     {service.NewSignInLink{Organization: "acme", Role: account.Viewer}, 25, 0, http.StatusUnauthorized},
			"still there":   {service.NewSignInLink{Organization: "acme", Role: account.Viewer}, 23, 0, http.StatusOK},
			"an operator's": {service.NewSignInLink{}, 13, 0, http.StatusUnauthorized},
		} {
			cookie := w.cookie(w.signInLink(c.n))
			_, value, _ := strings.Cut(cookie, "=")
			if _, err := db.ExecContext(t.Context(), `UPDATE grants SET expires = expires - $1, used = used - $2 WHERE hash = $3`, c.expires*hour, c.used*hour, account.Hash(value)); err != nil {
				t.Fatal(err)
			}
			if got := w.do("", http.MethodGet, "/api/o", "", "Cookie", cookie); got.status != c.want {
				t.Errorf("%s: %d, want %d", name, got.status, c.want)
			}
		}
		link := w.signInLink(service.NewSignInLink{})
		if _, err := db.ExecContext(t.Context(), `UPDATE grants SET expires = expires - $1 WHERE kind = 'signin_link'`, hour/4); err != nil {
			t.Fatal(err)
		}
		if got := w.page(http.MethodPost, link); got.status != http.StatusNotFound {
			t.Errorf("a link of yesterday: %d", got.status)
		}
	})
}

// A member is invited, signs in, and is out at once when removed. Each sees and
// ends the sessions that are theirs to end.
func TestMembers(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"globex"}`)
		const members = "/api/o/acme/members"
		invite := func(role string) (service.Link, string) {
			t.Helper()
			made := read[service.Link](t, w.must(http.StatusCreated, http.MethodPost, members, `{"role":"`+role+`"}`))
			return made, strings.TrimPrefix(made.URL, w.url)
		}
		withdrawn, link := invite("admin")
		w.must(http.StatusNoContent, http.MethodDelete, members+"/"+withdrawn.ID, "")
		if got := w.page(http.MethodPost, link); got.status != http.StatusNotFound {
			t.Errorf("a withdrawn invitation: %d", got.status)
		}
		first, link := invite("viewer")
		listed := read[service.List[service.Member]](t, w.must(http.StatusOK, http.MethodGet, members, ""))
		if len(listed.Results) != 1 || listed.Results[0].ID != first.ID || listed.Results[0].Joined != nil || listed.Results[0].Expires == nil {
			t.Errorf("%+v", listed)
		}
		viewer := w.cookie(link)
		if got := w.page(http.MethodPost, link); got.status != http.StatusNotFound {
			t.Errorf("an invitation again: %d", got.status)
		}
		listed = read[service.List[service.Member]](t, w.must(http.StatusOK, http.MethodGet, members, ""))
		if listed.Results[0].Joined == nil {
			t.Errorf("%+v", listed)
		}
		_, link = invite("admin")
		admin := w.cookie(link)
		operator := w.cookie(w.signInLink(service.NewSignInLink{}))
		w.cookie(w.signInLink(service.NewSignInLink{Organization: "globex", Role: account.Viewer}))
		for cookie, want := range map[string]int{viewer: 1, admin: 2, operator: 4} {
			sessions := read[service.List[service.Session]](t, w.do("", http.MethodGet, "/api/sessions", "", "Cookie", cookie)).Results
			current := 0
			for _, s := range sessions {
				if s.Current {
					current++
				}
			}
			if len(sessions) != want || current != 1 {
				t.Errorf("%d sessions, want %d: %+v", len(sessions), want, sessions)
			}
		}
		// By token, too; another's is not there.
		adminToken := w.newToken(`{"role":"admin"}`).Secret
		for _, s := range read[service.List[service.Session]](t, w.must(http.StatusOK, http.MethodGet, "/api/sessions", "")).Results {
			want := http.StatusNotFound
			if s.Organization == "acme" && s.Role == account.Admin {
				want = http.StatusNoContent
			}
			if s.Member == first.ID {
				continue
			}
			if got := w.do(adminToken, http.MethodDelete, "/api/sessions/"+s.ID, ""); got.status != want {
				t.Errorf("%+v: %d, want %d", s, got.status, want)
			}
		}
		if got := w.do("", http.MethodGet, members, "", "Cookie", admin); got.status != http.StatusUnauthorized {
			t.Errorf("an ended session: %d", got.status)
		}
		if got := w.do("", http.MethodGet, "/api/o/acme", "", "Cookie", viewer); got.status != http.StatusOK {
			t.Errorf("%d", got.status)
		}
		w.must(http.StatusNoContent, http.MethodDelete, members+"/"+first.ID, "")
		for _, path := range []string{"/api/o/acme", "/api/sessions", "/api/o"} {
			if got := w.do("", http.MethodGet, path, "", "Cookie", viewer); got.status != http.StatusUnauthorized {
				t.Errorf("a removed member: %s: %d", path, got.status)
			}
		}
		w.must(http.StatusNotFound, http.MethodDelete, members+"/"+first.ID, "")
		w.must(http.StatusUnprocessableEntity, http.MethodPost, members, `{"role":"credentials"}`)
		w.must(http.StatusUnprocessableEntity, http.MethodPost, members, `{"role":"operator"}`)
		// What was made is named when its answer cannot be given again.
		made := read[service.Link](t, w.must(http.StatusCreated, http.MethodPost, members, `{"role":"viewer"}`, "Idempotency-Key", "k"))
		again := w.must(http.StatusConflict, http.MethodPost, members, `{"role":"viewer"}`, "Idempotency-Key", "k")
		if !strings.Contains(string(again.body), "members/"+made.ID) {
			t.Errorf("%s", again.body)
		}
	})
}
