package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/api/apitest"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// odd is a request to an operation of the OpenAPI document, with anything in its
// place.
type odd struct {
	operation       uint8 // number in the document
	actor           uint8 // who asks
	org, name, id   string
	query           string // as it is sent
	kind, condition string // of the body, and as If-Match, Idempotency-Key and Last-Event-ID
	body            string
}

// oddities are requests to begin with: each operation with each kind of wrong
// body, query and name, and well formed ones.
func oddities() (out []odd) {
	document := apitest.Read(openAPI)
	for i, op := range document.Operations() {
		well := odd{operation: uint8(i), org: "acme", name: "masters", id: "0", kind: "application/json"}
		add := func(change func(*odd)) {
			one := well
			one.actor = uint8(len(out))
			change(&one)
			out = append(out, one)
		}
		if op.Body != nil {
			text, _ := json.Marshal(document.Example(op.Body)) // made of JSON
			well.body = string(text)
			for _, bad := range wrongs(document, op.Body) {
				if len(bad.body) > 1<<10 && op.ID != "createOrganization" && op.ID != "lintPolicies" && op.ID != "startCheck" {
					continue // for some is enough; TestWrongBodies has them for all
				}
				add(func(o *odd) { o.body = bad.body })
			}
		}
		add(func(*odd) {})
		for _, text := range []string{"\x00", "\xff\xfe", "../acme", " ", "\U0001f600", "a\u202eb", "'; DROP TABLE grants;--", "%", strings.Repeat("a", 5000)} {
			add(func(o *odd) { o.org = text })
			add(func(o *odd) { o.name = text })
			add(func(o *odd) { o.id = text })
			add(func(o *odd) { o.condition = text })
			for _, p := range op.Parameters {
				if p.In == "query" {
					add(func(o *odd) { o.query = p.Name + "=" + url.QueryEscape(text) })
				}
			}
		}
		for _, query := range []string{"%zz", "a;b", "&&&=", "limit=1&limit=2", "limit=-1", "limit=99999999999999999999", "limit=0x10", "cursor=AAAA", "dry_run=TRUE", "dry_run", "unknown=1", strings.Repeat("a=b&", 500)} {
			add(func(o *odd) { o.query = query })
		}
		for _, kind := range []string{"", "text/plain", "application/json; charset=\xff", "application/json;;;", "multipart/form-data", "application/merge-patch+json"} {
			add(func(o *odd) { o.kind = kind })
		}
	}
	return out
}

// strange is a world with something at each path, and those who ask.
type strange struct {
	*world
	operations []apitest.Operation
	tokens     []string
}

func newStrange(t testing.TB, o store.Options) *strange {
	t.Helper()
	w := newWorld(t, o, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
	_, link := w.setupLink("/api/o/acme/connections/masters", "")
	s := &strange{world: w, operations: allOperations(), tokens: []string{w.token, link, "", "rcs_\xff"}}
	for _, body := range []string{`{"role":"admin"}`, `{"role":"viewer"}`, `{"role":"credentials","connection":"masters","access":"read"}`} {
		s.tokens = append(s.tokens, read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", body)).Secret)
	}
	return s
}

// ask sends an odd request. The answer is never the service's own fault, and is as
// the OpenAPI document says: an error is a whole problem.
func (s *strange) ask(t testing.TB, o odd) {
	t.Helper()
	op := s.operations[int(o.operation)%len(s.operations)]
	if op.ID == "deleteOrganization" {
		o.query = "dry_run=true" // the others need it
	}
	path := strings.NewReplacer("{org}", url.PathEscape(o.org), "{name}", url.PathEscape(o.name), "{id}", url.PathEscape(o.id)).Replace(op.Path)
	r, err := http.NewRequestWithContext(t.Context(), op.Method, s.url+path, strings.NewReader(o.body))
	if err != nil {
		return // no client can send it
	}
	r.URL.RawQuery = o.query
	for name, value := range map[string]string{
		"Authorization": "Bearer " + s.tokens[int(o.actor)%len(s.tokens)], "Content-Type": o.kind, "If-Match": o.condition, "Idempotency-Key": o.condition, "Last-Event-ID": o.condition,
	} {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		if strings.Contains(err.Error(), "net/http: invalid") || strings.Contains(err.Error(), "can't write control character") {
			return // likewise
		}
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		t.Errorf("%s %q %s: %d\n%s", op.ID, path, o.query, answer.StatusCode, shortened(text))
	}
	answersAsDocumented(t, r, reply{answer.StatusCode, answer.Header, text})
}

// FuzzRequests sends anything, as anybody, to each operation of the OpenAPI
// document.
func FuzzRequests(f *testing.F) {
	for _, o := range oddities() {
		f.Add(o.operation, o.actor, o.org, o.name, o.id, o.query, o.kind, o.condition, o.body)
	}
	s := newStrange(f, inDirectory)
	f.Fuzz(func(t *testing.T, operation, actor uint8, org, name, id, query, kind, condition, body string) {
		s.ask(t, odd{operation, actor, org, name, id, query, kind, condition, body})
	})
}

// PostgreSQL, which takes fewer texts than SQLite, is no different from outside.
func TestOddRequestsToPostgreSQL(t *testing.T) {
	t.Parallel()
	s := newStrange(t, store.Options{URL: engines.Database(t)})
	for _, o := range oddities() {
		s.ask(t, o)
	}
}
