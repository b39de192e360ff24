package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// setupLink makes a setup link, and returns it with its token.
func (w *world) setupLink(connection, body string) (service.MadeSetupLink, string) {
	w.t.Helper()
	made := read[service.MadeSetupLink](w.t, w.must(http.StatusCreated, http.MethodPost, connection+"/setup-links", body))
	token, ok := strings.CutPrefix(made.URL, w.url+"/setup/")
	if !ok || !account.IsToken(token, account.SetupPrefix) {
		w.t.Fatalf("%+v", made)
	}
	return made, token
}

// put stores an object in the customer's bucket.
func (w *world) put(bucket, key string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "aws", "--endpoint-url", w.aws.URL, "s3api", "put-object", "--bucket", bucket, "--key", key)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIAROLES", "AWS_SECRET_ACCESS_KEY=administrators",
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

// A customer's admin without an account connects a bucket by a setup link, sees
// no object's key, and changes nothing once it was verified.
func TestSetupLink(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const masters = "/api/o/acme/connections/masters"
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"","prefix":"in/"}`)
		w.put("acme-masters", "in/the-secret's name.mov")
		made, link := w.setupLink(masters, `{"account":"111122223333"}`)

		opened := read[service.OpenedSetupLink](t, w.do(link, http.MethodGet, "/api/setup-link", ""))
		if opened.Organization != "acme" || opened.Connection != "masters" || opened.ID != made.ID || opened.Account != "111122223333" || strings.Join(opened.Fills, " ") != "/bucket /encryption" {
			t.Errorf("%+v", opened)
		}
		for token, want := range map[string]int{w.token: http.StatusForbidden, w.newToken(`{"role":"admin"}`).Secret: http.StatusForbidden, "": http.StatusUnauthorized} {
			if got := w.do(token, http.MethodGet, "/api/setup-link", ""); got.status != want {
				t.Errorf("no setup link: %d, want %d\n%s", got.status, want, got.body)
			}
		}

		seen := read[service.Connection](t, w.do(link, http.MethodGet, masters, ""))
		if len(seen.ExternalIDs) != 1 || len(seen.Principals) != 1 || seen.Principals[0].ARN != "arn:aws:iam::999988887777:role/worker" {
			t.Errorf("%+v", seen)
		}
		for body, want := range map[string]int{
			// Another account's.
			`{"role_arn":"arn:aws:iam::444455556666:role/media"}`: http.StatusUnprocessableEntity,

			`{"role_arn":"arn:aws:iam::999988887777:role/worker"}`:          http.StatusUnprocessableEntity,
			`{"role_arn":"no ARN"}`:                                         http.StatusUnprocessableEntity,
			`{"unknown":"x"}`:                                               http.StatusUnprocessableEntity,
			`{"prefix":"other/"}`:                                           http.StatusForbidden,
			`{"purpose":"delivery"}`:                                        http.StatusForbidden,
			`{"external_id":{"mode":"custom","value":"mine-1234"}}`:         http.StatusForbidden,
			`{"bucket_owner":"444455556666"}`:                               http.StatusForbidden,
			`{"probe_key":"in/x"}`:                                          http.StatusForbidden,
			`{"s3_endpoint_url":"https://example.com"}`:                     http.StatusForbidden,
			`{"secret":"keys"}`:                                             http.StatusForbidden,
			`{"http_credential_source":{"url":"https://example.com"}}`:      http.StatusForbidden,
			`{"acl":"bucket-owner-full-control","storage_class":"GLACIER"}`: http.StatusForbidden,
			`{"requester_pays":true}`:                                       http.StatusForbidden,
			`{"role_session_duration_seconds":7200}`:                        http.StatusForbidden,
			`{"role_arn":"arn:aws:iam::111122223333:role/media","bucket_owner":"444455556666"}`: http.StatusForbidden,
		} {
			if got := w.do(link, http.MethodPut, masters, body); got.status != want {
				t.Errorf("%s: %d, want %d\n%s", body, got.status, want, got.body)
			}
		}
		filled := w.do(link, http.MethodPut, masters, `{"bucket":"acme-mastres","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		if filled.status != http.StatusOK {
			t.Fatalf("%d\n%s", filled.status, filled.body)
		}
		// What was left blank can be corrected.
		if got := w.do(link, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","prefix":"in/"}`); got.status != http.StatusOK {
			t.Fatalf("%d\n%s", got.status, got.body)
		}
		for _, format := range []string{"json", "cloudformation", "terraform", "cli"} {
			got := w.do(link, http.MethodGet, masters+"/policies?format="+format, "")
			if got.status != http.StatusOK || !strings.Contains(string(got.body), seen.ExternalIDs[0]) {
				t.Errorf("%s: %d\n%s", format, got.status, got.body)
			}
			if format == "cli" {
				w.paste(got.body, "AKIAROLES")
			}
		}
		begun := read[service.Check](t, w.do(link, http.MethodPost, masters+"/checks", "{}"))
		events := w.do(link, http.MethodGet, masters+"/checks/"+begun.ID+"/events", "")
		report := w.do(link, http.MethodGet, masters+"/checks/"+begun.ID, "")
		if result := read[service.Check](t, report).Result; result == nil || *result != rolecall.CheckPass {
			t.Errorf("%s", report.body)
		}
		for name, text := range map[string][]byte{"events": events.body, "report": report.body, "list": w.do(link, http.MethodGet, masters+"/checks", "").body, "connection": w.do(link, http.MethodGet, masters, "").body} {
			if strings.Contains(string(text), "secret") || (name == "events" || name == "report") && !strings.Contains(string(text), "an object's key") {
				t.Errorf("%s: %s", name, text)
			}
		}
		if whole := w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID, ""); !strings.Contains(string(whole.body), "in/the-secret's name.mov") {
			t.Errorf("%s", whole.body)
		}
		// Verified: its role stays.
		if got := w.do(link, http.MethodPut, masters, `{"role_arn":"arn:aws:iam::111122223333:role/other"}`); got.status != http.StatusForbidden {
			t.Errorf("%d\n%s", got.status, got.body)
		}
		// Ten checks in an hour.
		for range 9 {
			begun := read[service.Check](t, w.do(link, http.MethodPost, masters+"/checks", ""))
			w.do(link, http.MethodGet, masters+"/checks/"+begun.ID+"/events", "")
		}
		if got := w.do(link, http.MethodPost, masters+"/checks", ""); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
			t.Errorf("%d %v\n%s", got.status, got.header, got.body)
		}
		w.check(masters, "") // others go on

		// Another connection of the name is not the link's.
		w.must(http.StatusNoContent, http.MethodDelete, masters, "")
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters"}`)
		if got := w.do(link, http.MethodGet, masters, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%d\n%s", got.status, got.body)
		}
		w.must(http.StatusNotFound, http.MethodDelete, masters+"/setup-links/"+made.ID, "")
		// One that was revoked is worth nothing.
		made, link = w.setupLink(masters, "")
		if list := read[service.List[service.SetupLink]](t, w.must(http.StatusOK, http.MethodGet, masters+"/setup-links", "")); len(list.Results) != 1 || list.Results[0].ID != made.ID {
			t.Errorf("%+v", list)
		}
		w.must(http.StatusNoContent, http.MethodDelete, masters+"/setup-links/"+made.ID, "")
		if got := w.do(link, http.MethodGet, masters, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%d\n%s", got.status, got.body)
		}
		w.notStored(link)
		for body, want := range map[string]string{`{"account":"1"}`: "/account", `{"expires":"91d"}`: "/expires", `{"connection":"x"}`: "/connection"} {
			var problem struct{ Errors rolecall.Errors }
			if err := json.Unmarshal(w.must(http.StatusUnprocessableEntity, http.MethodPost, masters+"/setup-links", body).body, &problem); err != nil || problem.Errors[0].Pointer != want {
				t.Errorf("%s: %v %v", body, err, problem)
			}
		}
		w.must(http.StatusOK, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		w.must(http.StatusUnprocessableEntity, http.MethodPost, masters+"/setup-links", `{"account":"444455556666"}`)
		for _, action := range []account.Action{account.SetupLinkCreate, account.SetupLinkDelete, account.CheckStart} {
			if records := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "").body); !strings.Contains(records, fmt.Sprintf(`"action":%q`, action)) {
				t.Errorf("%s is not on record", action)
			}
		}
	})
}

// Policies come before there is a role: for the one that is going to be made, in
// the account that the link expects.
func TestPoliciesBeforeTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	const masters, ready = "/api/o/acme/connections/masters", "/api/o/acme/connections/ready"
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1"}`)
	w.must(http.StatusCreated, http.MethodPut, ready, `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/new"}`)
	_, link := w.setupLink(masters, `{"account":"111122223333"}`)
	for query, want := range map[string]int{
		"": http.StatusConflict,
		"?role_arn=arn:aws:iam::111122223333:role/new": http.StatusOK,
		"?role_arn=arn:aws:iam::444455556666:role/new": http.StatusUnprocessableEntity,
		"?role_arn=new": http.StatusUnprocessableEntity,
	} {
		got := w.do(link, http.MethodGet, masters+"/policies"+query, "")
		if got.status != want {
			t.Errorf("%s: %d, want %d\n%s", query, got.status, want, got.body)
		}
	}
	w.must(http.StatusConflict, http.MethodGet, ready+"/policies?role_arn=arn:aws:iam::111122223333:role/other", "")
}

// What is refused within an operation is on record, too, without a token that
// stood at the wrong place.
func TestRefusalsAreOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	const masters, other = "/api/o/acme/connections/masters", "/api/o/acme/connections/other"
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	for _, connection := range []string{masters, other} {
		w.must(http.StatusCreated, http.MethodPut, connection, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/ready"}`)
	}
	token := func(body string) string {
		return read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", body)).Secret
	}
	admin, reader := token(`{"role":"admin"}`), token(`{"role":"credentials","connection":"masters","access":"read"}`)
	_, link := w.setupLink(masters, `{"account":"111122223333"}`)
	for _, c := range []struct {
		token, method, path, body, target string
		status                            int
	}{
		{link, http.MethodPut, masters, `{"bucket_owner":"444455556666"}`, "connections/masters", http.StatusForbidden},
		{link, http.MethodPut, masters, `{"role_arn":"arn:aws:iam::444455556666:role/x"}`, "connections/masters", http.StatusUnprocessableEntity},
		{link, http.MethodGet, other, "", "connections/other", http.StatusNotFound},
		{reader, http.MethodGet, masters + "/credentials?access=write", "", "connections/masters", http.StatusForbidden},
		{reader, http.MethodGet, other + "/credentials", "", "connections/other", http.StatusNotFound},
		{admin, http.MethodPatch, "/api/o/acme", `{"jobs":"any"}`, "", http.StatusForbidden},
		{admin, http.MethodGet, "/api/o/" + reader, "", "", http.StatusNotFound},
	} {
		refused := func() (n int) {
			for _, r := range read[service.List[service.AuditRecord]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "")).Results {
				if r.Decision == service.Refused && strings.Contains(r.Target, c.target) {
					n++
				}
			}
			return n
		}
		before := refused()
		if got := w.do(c.token, c.method, c.path, c.body); got.status != c.status {
			t.Errorf("%s %s: %d, want %d\n%s", c.method, c.path, got.status, c.status, got.body)
		}
		if after := refused(); after != before+1 {
			t.Errorf("%s %s %s: %d refusals on record, and before %d", c.method, c.path, c.body, after, before)
		}
	}
	if records := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "").body); strings.Contains(records, reader) {
		t.Error("a token is in a record")
	}
	w.notStored(reader)
}
