package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/service"
)

// call is a request of somebody's; the path is below /api/.
type call struct {
	as, method, path, body string
	headers                []string
}

// hintsOf returns the hints of a problem.
func hintsOf(t *testing.T, r reply) []string {
	t.Helper()
	var problem struct {
		Errors []struct{ Hint string }
	}
	if err := json.Unmarshal(r.body, &problem); err != nil {
		t.Fatalf("%d: %s", r.status, r.body)
	}
	var out []string
	for _, e := range problem.Errors {
		out = append(out, e.Hint)
	}
	return out
}

// TestHints does what the hints of the API say, in each way that they name: then the
// request passes.
func TestHints(t *testing.T) {
	t.Parallel()
	const role = `"role_arn":"arn:aws:iam::111122223333:role/media"`
	w := newWorld(t, inDirectory, `{decl: {external_id: {mode: custom, value: decl-42}, connections: {masters: {purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media"}}}}`)
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1",`+role+`}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/none", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1"}`)
	w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/keys", `{"type":"aws_access_key","access_key_id":"AKIAKEYS","secret_access_key":"s"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/static", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","secret":"keys"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/bare", `{"purpose":"source"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/own", `{"purpose":"source","bucket":"acme-masters","external_id":{"mode":"custom","value":"own-7"},`+role+`}`)
	w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`, "Idempotency-Key", "k-1")
	_, token := w.setupLink("/api/o/acme/connections/none", `{"account":"111122223333"}`)
	as := map[string]string{
		"": w.token, "link": token, "nobody": "",
		"admin":  read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"admin"}`)).Secret,
		"viewer": read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)).Secret,
	}
	const masters, put, post, patch, get, del = "o/acme/connections/masters", http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodGet, http.MethodDelete
	var done []string
	for _, c := range []struct {
		hint  string
		wrong call
		right []call
	}{
		{"write 10m or less", call{method: post, path: masters + "/checks", body: `{"wait":"11m"}`}, []call{{method: post, path: masters + "/checks?dry_run=true", body: `{"wait":"10m"}`}}},
		{"give it a bucket first", call{method: get, path: "o/acme/connections/bare/policies"}, []call{{method: put, path: "o/acme/connections/bare", body: `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1",` + role + `}`}, {method: get, path: "o/acme/connections/bare/policies"}}},
		{"send a new key with a new body", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"admin"}`, headers: []string{"Idempotency-Key", "k-1"}}, []call{{method: post, path: "o/acme/tokens", body: `{"role":"admin"}`, headers: []string{"Idempotency-Key", "k-2"}}}},
		{"use what you were given then, or delete what was made and make another", call{method: post, path: "o/acme/tokens", body: `{"role":"viewer"}`, headers: []string{"Idempotency-Key", "k-1"}}, []call{{method: post, path: "o/acme/tokens", body: `{"role":"viewer"}`, headers: []string{"Idempotency-Key", "k-3"}}}},
		{"leave policies out", call{method: post, path: "o/acme/connections/static/checks?dry_run=true", body: `{"policies":{"trust":{"Version":"2012-10-17","Statement":[]}}}`}, []call{{method: post, path: "o/acme/connections/static/checks?dry_run=true", body: `{}`}}},
		{"list the connection's checks", call{method: get, path: masters + "/checks/01"}, []call{{method: get, path: masters + "/checks"}}},
		{"leave external_id out to use the organization's", call{method: put, path: "o/acme/connections/c1?dry_run=true", body: `{"purpose":"source","bucket":"b-1","external_id":{"mode":"generated"}}`}, []call{{method: put, path: "o/acme/connections/c1?dry_run=true", body: `{"purpose":"source","bucket":"b-1"}`}}},
		{"leave external_id out, or ask an operator", call{"admin", put, "o/acme/connections/c1?dry_run=true", `{"purpose":"source","bucket":"b-1","external_id":{"mode":"custom","value":"mine-7"}}`, nil}, []call{
			{"admin", put, "o/acme/connections/c1?dry_run=true", `{"purpose":"source","bucket":"b-1"}`, nil},
			{method: put, path: "o/acme/connections/c1?dry_run=true", body: `{"purpose":"source","bucket":"b-1","external_id":{"mode":"custom","value":"mine-7"}}`},
		}},
		{"keep the role, or ask an operator", call{"admin", put, "o/acme/connections/own?dry_run=true", `{"purpose":"source","bucket":"acme-masters","secret":"keys"}`, nil}, []call{
			{"admin", put, "o/acme/connections/own?dry_run=true", `{"purpose":"source","bucket":"acme-masters",` + role + `}`, nil},
			{method: put, path: "o/acme/connections/own?dry_run=true", body: `{"purpose":"source","bucket":"acme-masters","secret":"keys"}`},
		}},
		{"list the organization's connections", call{method: get, path: "o/acme/connections/nope"}, []call{{method: get, path: "o/acme/connections"}}},
		{"ask with ?role_arn=", call{method: get, path: "o/acme/connections/none/policies"}, []call{{method: get, path: "o/acme/connections/none/policies?role_arn=arn:aws:iam::111122223333:role/rolecall"}}},
		{"leave role_arn out of the query, or change the connection", call{method: get, path: masters + "/policies?role_arn=arn:aws:iam::111122223333:role/other"}, []call{{method: get, path: masters + "/policies"}}},
		{"write for example 90d or 12h", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer","expires":"3 months"}`}, []call{{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer","expires":"90d"}`}, {method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer","expires":"12h"}`}}},
		{"leave If-Match out to make it", call{method: put, path: "o/acme/connections/c1?dry_run=true", body: `{"purpose":"source","bucket":"b-1"}`, headers: []string{"If-Match", `"1"`}}, []call{{method: put, path: "o/acme/connections/c1?dry_run=true", body: `{"purpose":"source","bucket":"b-1"}`}}},
		{"send its ETag as If-Match", call{method: patch, path: "o/acme?dry_run=true", body: `{"name":"A"}`, headers: []string{"If-Match", `"77"`}}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"name":"A"}`, headers: []string{"If-Match", "ETAG"}}}},
		{"leave it out, or give mode custom", call{method: post, path: "o?dry_run=true", body: `{"api_name":"new","external_id":{"mode":"generated","value":"v-1"}}`}, []call{
			{method: post, path: "o?dry_run=true", body: `{"api_name":"new","external_id":{"mode":"generated"}}`}, {method: post, path: "o?dry_run=true", body: `{"api_name":"new","external_id":{"mode":"custom","value":"v-1"}}`},
		}},
		{"give a shorter one", call{method: patch, path: "o/acme?dry_run=true", body: `{"name":"` + strings.Repeat("n", 2000) + `"}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"name":"n"}`}}},
		{"leave out control characters", call{method: patch, path: "o/acme?dry_run=true", body: `{"name":"a\u0007"}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"name":"a"}`}}},
		{"write connections or any", call{method: patch, path: "o/acme?dry_run=true", body: `{"jobs":"all"}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"jobs":"any"}`}, {method: patch, path: "o/acme?dry_run=true", body: `{"jobs":"connections"}`}}},
		{"write 0 for the service's own", call{method: patch, path: "o/acme?dry_run=true", body: `{"limits":{"running":-1}}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"limits":{"running":0}}`}}},
		{"choose another api_name", call{method: post, path: "o", body: `{"api_name":"acme"}`}, []call{{method: post, path: "o?dry_run=true", body: `{"api_name":"acme-2"}`}}},
		{"choose another; they are never given", call{method: post, path: "o", body: `{"api_name":"decl-42"}`}, []call{{method: post, path: "o?dry_run=true", body: `{"api_name":"decl-43"}`}}},
		{"leave it out for 50", call{method: get, path: "o?limit=500"}, []call{{method: get, path: "o"}}},
		{"send what the page before gave as next", call{method: get, path: "o?cursor=x"}, []call{{method: get, path: "o"}}},
		{"move it to the API with rolecall org adopt decl. You: change nothing but paused", call{method: patch, path: "o/decl", body: `{"name":"D"}`}, []call{{method: patch, path: "o/decl?dry_run=true", body: `{"paused":true}`}}},
		{"move it to the API with rolecall org adopt decl, then rotate", call{method: post, path: "o/decl/external-id/rotations", body: `{}`}, nil},
		{"ask an operator of the service", call{"admin", patch, "o/acme?dry_run=true", `{"jobs":"any"}`, nil}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"jobs":"any"}`}}},
		{"send each policy as text", call{method: post, path: "policy/lint", body: `{"documents":[]}`}, []call{{method: post, path: "policy/lint", body: `{"documents":[{"text":"{}"}]}`}}},
		{"write trust, permissions, bucket", call{method: post, path: "policy/lint", body: `{"kind":"iam","documents":[{"text":"{}"}]}`}, []call{{method: post, path: "policy/lint", body: `{"kind":"trust","documents":[{"text":"{}"}]}`}}},
		{"give the text as value", call{method: put, path: "o/acme/secrets/t?dry_run=true", body: `{"type":"text","host":"a.example"}`}, []call{{method: put, path: "o/acme/secrets/t?dry_run=true", body: `{"type":"text","host":"a.example","value":"v"}`}}},
		{"leave it out", call{method: put, path: "o/acme/secrets/t?dry_run=true", body: `{"type":"text","host":"a.example","value":"v","bucket":"b-1"}`}, []call{{method: put, path: "o/acme/secrets/t?dry_run=true", body: `{"type":"text","host":"a.example","value":"v"}`}}},
		{"change or delete the connection first", call{method: del, path: "o/acme/secrets/keys"}, nil},
		{"list the organization's secrets", call{method: del, path: "o/acme/secrets/nope"}, []call{{method: get, path: "o/acme/secrets"}}},
		{"write viewer, submitter or admin", call{method: post, path: "o/acme/members", body: `{"role":"boss"}`}, nil},
		{"list the sessions", call{method: del, path: "sessions/nope"}, []call{{method: get, path: "sessions"}}},
		{"list the organization's members", call{method: del, path: "o/acme/members/nope"}, []call{{method: get, path: "o/acme/members"}}},
		{"write twelve digits", call{method: post, path: masters + "/setup-links?dry_run=true", body: `{"account":"1111-2222-3333"}`}, []call{{method: post, path: masters + "/setup-links?dry_run=true", body: `{"account":"111122223333"}`}}},
		{"write 90d or less", call{method: post, path: masters + "/setup-links?dry_run=true", body: `{"expires":"91d"}`}, []call{{method: post, path: masters + "/setup-links?dry_run=true", body: `{"expires":"90d"}`}}},
		{"leave it out, or ask who sent you the link", call{"link", put, "o/acme/connections/none?dry_run=true", `{"bucket":"other",` + role + `}`, nil}, []call{{"link", put, "o/acme/connections/none?dry_run=true", `{` + role + `}`, nil}}},
		{"give the ARN of a role in that account", call{"link", put, "o/acme/connections/none?dry_run=true", `{"role_arn":"arn:aws:iam::444455556666:role/media"}`, nil}, []call{{"link", put, "o/acme/connections/none?dry_run=true", `{` + role + `}`, nil}}},
		{"list the connection's setup links", call{method: del, path: "o/acme/connections/none/setup-links/nope"}, []call{{method: get, path: "o/acme/connections/none/setup-links"}}},
		{"write viewer, submitter, admin or credentials", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{}`}, []call{{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer"}`}}},
		{"name the connection", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"credentials","access":"read"}`}, []call{{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"credentials","access":"read","connection":"masters"}`}}},
		{"write read or write", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"credentials","connection":"masters"}`}, []call{{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"credentials","connection":"masters","access":"write"}`}}},
		{"leave it out", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer","access":"read"}`}, []call{{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"viewer"}`}}},
		{"list the organization's connections", call{method: post, path: "o/acme/tokens?dry_run=true", body: `{"role":"credentials","access":"read","connection":"nope"}`}, nil},
		{"list the tokens", call{method: del, path: "o/acme/tokens/nope"}, []call{{method: get, path: "o/acme/tokens"}}},
		{"check it until it is verified: POST …/connections/masters/checks", call{method: get, path: masters + "/credentials?access=read"}, nil},
		{"change it in rolecall.yaml to this", call{method: put, path: "o/decl/connections/masters", body: `{"purpose":"delivery","bucket":"acme-masters"}`}, nil},
		{"change it there and send SIGHUP", call{method: del, path: "o/decl/connections/masters"}, nil},
		// Of the API itself.
		{"send a smaller one", call{method: patch, path: "o/acme", body: `{"name":"` + strings.Repeat("n", 6<<20) + `"}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{"name":"n"}`}}},
		{"send Content-Type: application/json", call{method: patch, path: "o/acme", body: `{}`, headers: []string{"Content-Type", "text/plain"}}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{}`, headers: []string{"Content-Type", "application/json"}}}},
		{"send it as it is, without Content-Encoding", call{method: patch, path: "o/acme", body: `{}`, headers: []string{"Content-Encoding", "gzip"}}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{}`}}},
		{"use one of those that the header Allow names", call{method: post, path: "o/acme"}, []call{{method: get, path: "o/acme"}}},
		{"/api/openapi.json lists all paths", call{method: get, path: "organizations"}, []call{{method: get, path: "openapi.json"}}},
		{"send a shorter one, for example a UUID", call{method: post, path: "o?dry_run=true", body: `{"api_name":"new"}`, headers: []string{"Idempotency-Key", strings.Repeat("k", 300)}}, []call{{method: post, path: "o?dry_run=true", body: `{"api_name":"new"}`, headers: []string{"Idempotency-Key", "2b1d0f6e-7a75-4c4f-8f0a-1f3c9b1d2e3f"}}}},
		{"escape it", call{method: get, path: "o?cursor=%zz"}, []call{{method: get, path: "o?cursor="}}},
		{"see /api/openapi.json for those", call{method: get, path: "o?limt=1"}, []call{{method: get, path: "openapi.json"}}},
		{"give it once", call{method: get, path: "o?limit=1&limit=2"}, []call{{method: get, path: "o?limit=1"}}},
		{"write true or false", call{method: patch, path: "o/acme?dry_run=perhaps", body: `{}`}, []call{{method: patch, path: "o/acme?dry_run=true", body: `{}`}}},
		{"put texts in double quotes", call{method: put, path: "o/acme/secrets/t", body: `{"type":"text","value":plain}`}, []call{{method: put, path: "o/acme/secrets/t?dry_run=true", body: `{"type":"text","value":"plain"}`}}},
		{"leave it out for 50", call{method: get, path: "o?limit=x"}, []call{{method: get, path: "o"}}},
		// Of who may do what.
		{"ask an operator of the service", call{"admin", post, "o?dry_run=true", `{"api_name":"new"}`, nil}, []call{{method: post, path: "o?dry_run=true", body: `{"api_name":"new"}`}}},
		{"send the token of a setup link", call{"admin", get, "setup-link", "", nil}, []call{{"link", get, "setup-link", "", nil}}},
		{"send the policy alone, as the account has it", call{method: post, path: masters + "/checks?dry_run=true", body: `{"policies":{"trust":{"Version":"2012-10-17","Statement":[],"Id":"` + strings.Repeat("x", 1<<17) + `"}}}`}, []call{{method: post, path: masters + "/checks?dry_run=true", body: `{"policies":{"trust":{"Version":"2012-10-17","Statement":[]}}}`}}},
		{"for a token with the role admin", call{"viewer", del, masters + "?dry_run=true", "", nil}, []call{{"admin", del, masters + "?dry_run=true", "", nil}}},
		{"check the api_name, and whose token you use", call{"admin", get, "o/decl", "", nil}, []call{{"admin", get, "o/acme", "", nil}, {method: get, path: "o/decl"}}},
		{"send a token that has not expired and was not revoked, by Authorization: Bearer", call{"nobody", get, "o/acme", "", nil}, []call{{"admin", get, "o/acme", "", nil}}},
	} {
		ask := func(c call) reply {
			for i, h := range c.headers {
				if h == "ETAG" {
					c.headers[i] = w.must(http.StatusOK, get, "/api/o/acme", "").header.Get("ETag")
				}
			}
			return w.do(as[c.as], c.method, "/api/"+c.path, c.body, c.headers...)
		}
		got := ask(c.wrong)
		hints := hintsOf(t, got)
		if !strings.Contains(strings.Join(hints, "\n"), c.hint) {
			t.Errorf("%s %s: no hint says %q: %d\n%.300s", c.wrong.method, c.wrong.path, c.hint, got.status, got.body)
		}
		done = append(done, hints...)
		for _, right := range c.right {
			if got := ask(right); got.status >= 300 {
				t.Errorf("by %q, %s %s %.200s: %d\n%.300s", c.hint, right.method, right.path, right.body, got.status, got.body)
			}
		}
	}
	hinttest.Followed(t, "../account", done, nil)
	hinttest.Followed(t, "../api", done, []string{
		"You: try again after the seconds that Retry-After gives", // TestLimits
		"Operator: look in the log for the request …",
		"You: send it again",
	})
	hinttest.Followed(t, "../service", done, []string{
		"You: send each policy as a JSON object", // what is JSON is read before
		// To wait, or to ask somebody.
		"You: wait for it to end", "You: wait for one of them to end", "You: try again later", "You: begin again, if the connection is still there",
		"You: check one that was checked within the hour, or wait. Operator: those that rolecall.yaml declares do not count",
		"You: ask an admin of the organization for a token with the access write", "You: ask an admin of the organization to change it",
		"You: ask an operator of the service to end that", `You: ask who paused it to end that: PATCH /api/o/{org} with {"paused": false}`,
		"You: send less at once, or run rolecall policy without --server",
		// Of the operator, beside the API: adopt_test.go, declared_test.go, reload_test.go, rotate_seal_test.go, takeover_test.go.
		"Operator: remove it from rolecall.yaml, if it is there",
		"Operator: remove it from rolecall.yaml, or give the declared one another name",
		"Operator: declare it again and send SIGHUP to rolecall serve",
		"Operator: declare it again and send SIGHUP to rolecall serve, or run rolecall org adopt …",
		"Operator: remove it there and send SIGHUP to rolecall serve, then delete it",
		"Operator: restore the key file that belongs to this database, or declare it as sealing: {key_file: FILE}",
		"Operator: declare a principal in rolecall.yaml and send SIGHUP to rolecall serve",
		"Operator: to leave it to …, remove external-ids/taken/… in the state directory; then give … another",
		"Operator: see which one the customer's trust policy names; to keep the database's, remove external-ids/generated/… in the state directory",
		"Operator: see whose it is; to leave it to the database's, remove …",
	})
}
