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

// A request that is repeated with its Idempotency-Key is answered as before, and
// makes nothing again.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const body = `{"api_name":"acme"}`
		first := w.must(http.StatusCreated, http.MethodPost, "/api/o", body, "Idempotency-Key", "k-1")
		again := w.must(http.StatusCreated, http.MethodPost, "/api/o", body, "Idempotency-Key", "k-1")
		if string(first.body) != string(again.body) {
			t.Errorf("%s\n%s", first.body, again.body)
		}
		w.must(http.StatusUnprocessableEntity, http.MethodPost, "/api/o", `{"api_name":"globex"}`, "Idempotency-Key", "k-1")
		w.must(http.StatusConflict, http.MethodPost, "/api/o", body, "Idempotency-Key", "k-2")
		w.must(http.StatusConflict, http.MethodPost, "/api/o", body)

		// An answer that held a secret is not kept.
		made := w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"admin"}`, "Idempotency-Key", "k-1")
		w.must(http.StatusConflict, http.MethodPost, "/api/o/acme/tokens", `{"role":"admin"}`, "Idempotency-Key", "k-1")
		w.notStored(read[service.MadeToken](t, made).Secret)
		if tokens := read[service.List[service.Token]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/tokens", "")); len(tokens.Results) != 1 {
			t.Errorf("%+v", tokens)
		}
		// Another actor's key is another.
		other := read[service.MadeToken](t, made).Secret
		if got := w.do(other, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`, "Idempotency-Key", "k-1"); got.status != http.StatusCreated {
			t.Errorf("%d\n%s", got.status, got.body)
		}
	})
}

// A dry run answers as the request would, and changes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o?dry_run=true", `{"api_name":"acme"}`)
		w.must(http.StatusUnprocessableEntity, http.MethodPost, "/api/o?dry_run=true", `{"api_name":"-"}`)
		w.must(http.StatusNotFound, http.MethodGet, "/api/o/acme", "")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		const masters = "/api/o/acme/connections/masters"
		w.must(http.StatusCreated, http.MethodPut, masters+"?dry_run=true", `{"purpose":"source","bucket":"acme-masters"}`)
		w.must(http.StatusNotFound, http.MethodGet, masters, "")
		made := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens?dry_run=true", `{"role":"admin"}`))
		if made.Secret != "" {
			t.Error("a token that does not exist is shown")
		}
		w.must(http.StatusUnprocessableEntity, http.MethodPost, "/api/o?dry_run=perhaps", `{"api_name":"globex"}`)
		if records := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit", "").body); strings.Contains(records, "masters") {
			t.Errorf("a dry run is on record: %s", records)
		}
		// So does one of what destroys.
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters"}`)
		w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/keys", `{"type":"text","value":"v","host":"a.example"}`)
		token := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`))
		link := read[service.MadeSetupLink](t, w.must(http.StatusCreated, http.MethodPost, masters+"/setup-links", ""))
		kept := func() (out string) {
			for _, path := range []string{masters, masters + "/setup-links", "/api/o/acme/secrets", "/api/o/acme/tokens", "/api/o/acme"} {
				out += string(w.must(http.StatusOK, http.MethodGet, path, "").body)
			}
			return out
		}
		before := kept()
		for _, path := range []string{masters + "/setup-links/" + link.ID, masters, "/api/o/acme/secrets/keys", "/api/o/acme/tokens/" + token.ID, "/api/o/acme"} {
			if got := w.do(w.token, http.MethodDelete, path+"?dry_run=true", ""); got.status != http.StatusNoContent && got.status != http.StatusOK {
				t.Errorf("DELETE %s: %d\n%s", path, got.status, got.body)
			}
		}
		w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/keys?dry_run=true", `{"type":"text","value":"other","host":"b.example"}`)
		w.must(http.StatusNoContent, http.MethodPost, masters+"/release?dry_run=true", "")
		if after := kept(); after != before {
			t.Errorf("a dry run changed\n%s to\n%s", before, after)
		}
	})
}

// A change of another revision than the caller knows is refused.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	const masters, body = "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters"}`
	first := w.must(http.StatusCreated, http.MethodPut, masters, body).header.Get("ETag")
	second := w.must(http.StatusOK, http.MethodPut, masters, `{"purpose":"delivery","bucket":"acme-masters"}`, "If-Match", first).header.Get("ETag")
	if first == second || w.must(http.StatusOK, http.MethodGet, masters, "").header.Get("ETag") != second {
		t.Errorf("%s, then %s", first, second)
	}
	for _, wrong := range []string{first, `"x"`, "2", `W/"2"`} {
		w.must(http.StatusPreconditionFailed, http.MethodPut, masters, body, "If-Match", wrong)
		w.must(http.StatusPreconditionFailed, http.MethodDelete, masters, "", "If-Match", wrong)
	}
	w.must(http.StatusOK, http.MethodPut, masters, body, "If-Match", "*")
	w.must(http.StatusNoContent, http.MethodDelete, masters, "")
	third := w.must(http.StatusCreated, http.MethodPut, masters, body, "If-None-Match", "*").header.Get("ETag")
	for _, c := range []struct {
		path, header, value string
		status              int
	}{
		{masters + "2", "If-Match", "*", http.StatusPreconditionFailed},
		{masters, "If-Match", `"77", ` + third, http.StatusOK},
		{masters, "If-Match", "*", http.StatusOK},
		{masters, "If-Match", `"77", "78"`, http.StatusPreconditionFailed},
		{masters, "If-None-Match", "*", http.StatusPreconditionFailed},
		{masters + "3", "If-None-Match", "*", http.StatusCreated},
	} {
		w.must(c.status, http.MethodPut, c.path, `{"purpose":"delivery","bucket":"acme-masters"}`, c.header, c.value)
	}
}

// Pages hold each of a list once, the newest first.
func TestPages(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		var want []string
		for i := range 7 {
			name := fmt.Sprintf("org-%d", i)
			w.must(http.StatusCreated, http.MethodPost, "/api/o", fmt.Sprintf(`{"api_name":%q}`, name))
			want = append([]string{name}, want...)
		}
		for _, limit := range []int{1, 2, 3, 6, 7, 8, 200} {
			var got []string
			cursor, pages := "", 0
			for more := true; more; pages++ {
				page := read[service.List[service.Organization]](t, w.must(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/o?limit=%d&cursor=%s", limit, cursor), ""))
				for _, o := range page.Results {
					got = append(got, o.APIName)
				}
				cursor, more = page.Next, page.Next != ""
			}
			if !slices.Equal(got, want) || pages != (len(want)+limit-1)/limit {
				t.Errorf("by %d: %v on %d pages", limit, got, pages)
			}
		}
		for _, query := range []string{"limit=0", "limit=-1", "limit=201", "limit=x", "cursor=x", "cursor=" + strings.Repeat("0", 34), "cursor=%00"} {
			w.must(http.StatusUnprocessableEntity, http.MethodGet, "/api/o?"+query, "")
		}
	})
}

// What is wrong with a query or a key is answered only to those who may ask.
func TestFaultsComeLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	viewer := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)).Secret
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/api/o/globex/connections?limit=x", http.StatusNotFound},
		{http.MethodGet, "/api/o/globex/audit?limit=x", http.StatusNotFound},
		{http.MethodGet, "/api/o/globex/connections/masters/policies?format=x", http.StatusNotFound},
		{http.MethodGet, "/api/o/globex/connections/masters/credentials?form=x", http.StatusNotFound},
		{http.MethodDelete, "/api/o/acme/secrets/keys?dry_run=x", http.StatusForbidden},
		{http.MethodGet, "/api/o/acme/connections?limit=x", http.StatusUnprocessableEntity},
	} {
		if got := w.do(viewer, c.method, c.path, ""); got.status != c.status {
			t.Errorf("%s %s: %d, want %d\n%s", c.method, c.path, got.status, c.status, got.body)
		}
	}
}

// A secret that stands where it should not is not quoted.
func TestSecretIsNotQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	for _, body := range []string{
		`{"type":"text","value":planted}`, `{"type":"text","planted":"x","host":"a.example"}`, `{"type":"text" "planted"}`, `planted`, `"planted"`, `{"type":"planted"}`,
		`{"type":"text","value":["planted"]}`, `{"type":"text","value":{"planted":1}}`, `{"type":"text","value":"x","value":"planted"}`, `{'value':'planted'}`,
	} {
		if got := w.do(w.token, http.MethodPut, "/api/o/acme/secrets/keys", body); got.status < 400 || strings.Contains(string(got.body), "planted") {
			t.Errorf("%s: %d\n%s", body, got.status, got.body)
		}
	}
}

// What is wrong with a request itself has a status of HTTP's, and one shape.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	for name, c := range map[string]struct {
		path, body string
		status     int
		headers    []string
	}{
		"no JSON":        {"/api/o", "{", http.StatusBadRequest, nil},
		"nothing":        {"/api/o", "", http.StatusUnsupportedMediaType, nil},
		"nested":         {"/api/o", strings.Repeat("[", 1000), http.StatusBadRequest, nil},
		"too large":      {"/api/o", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusRequestEntityTooLarge, nil},
		"other type":     {"/api/o", "{}", http.StatusUnsupportedMediaType, []string{"Content-Type", "text/plain"}},
		"wrong types":    {"/api/o", `{"api_name":["acme"],"limits":{"running":"4"},"jobs":"all"}`, http.StatusUnprocessableEntity, nil},
		"null":           {"/api/o", `null`, http.StatusUnprocessableEntity, nil},
		"long key":       {"/api/o", `{"api_name":"acme"}`, http.StatusUnprocessableEntity, []string{"Idempotency-Key", strings.Repeat("k", 256)}},
		"unknown path":   {"/api/x", "{}", http.StatusNotFound, nil},
		"unknown method": {"/api/o/acme", "{}", http.StatusMethodNotAllowed, nil},
		"compressed":     {"/api/o", "{}", http.StatusUnsupportedMediaType, []string{"Content-Encoding", "gzip"}},
		"JSON Patch":     {"/api/o", "{}", http.StatusUnsupportedMediaType, []string{"Content-Type", "application/json-patch+json"}},
		"hidden mark":    {"/api/o", `{"api_name":"acme","name":"a\u202eb"}`, http.StatusUnprocessableEntity, nil},
		"control":        {"/api/o", `{"api_name":"acme","name":"a\u001b[31m"}`, http.StatusUnprocessableEntity, nil},
		"misspelt query": {"/api/o?dryrun=true", `{"api_name":"acme"}`, http.StatusUnprocessableEntity, nil},
		"twice in query": {"/api/o?dry_run=true&dry_run=false", `{"api_name":"acme"}`, http.StatusUnprocessableEntity, nil},
		"broken query":   {"/api/o?dry_run=true;x=1", `{"api_name":"acme"}`, http.StatusBadRequest, nil},
	} {
		got := w.do(w.token, http.MethodPost, c.path, c.body, c.headers...)
		problem := read[struct {
			Type   string
			Status int
			Errors []map[string]string
		}](t, got)
		if got.status != c.status || problem.Status != c.status || got.header.Get("Content-Type") != "application/problem+json" || len(problem.Errors) == 0 {
			t.Errorf("%s: %d, want %d\n%s", name, got.status, c.status, got.body)
			continue
		}
		for _, e := range problem.Errors {
			if e["code"] == "" || e["message"] == "" {
				t.Errorf("%s: %v", name, e)
			}
		}
		if page := w.do("", http.MethodGet, problem.Type, ""); page.status != http.StatusOK {
			t.Errorf("%s leads nowhere: %d", problem.Type, page.status)
		}
	}
}
