package server_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A tool takes credentials with a token that is for nothing else, in the forms
// that SDKs read, and they work.
func TestCredentials(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		const masters = "/api/o/acme/connections/masters"
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		w.must(http.StatusConflict, http.MethodGet, masters+"/credentials", "") // not verified
		w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
		w.check(masters, "")
		token := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"credentials","connection":"masters","access":"read"}`)).Secret

		process := read[map[string]any](t, w.do(token, http.MethodGet, masters+"/credentials", ""))
		expires, err := time.Parse(time.RFC3339, process["Expiration"].(string))
		if process["Version"] != 1.0 || err != nil || time.Until(expires) < 29*time.Minute {
			t.Errorf("%v, %v", process, err)
		}
		raw := w.do("", http.MethodGet, masters+"/credentials?form=container&prefix=a/", "", "Authorization", token)
		container := read[map[string]string](t, raw)
		if container["Token"] == "" || raw.header.Get("Content-Type") != "application/json" || raw.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v\n%s", raw.status, raw.header, raw.body)
		}
		for prefix, want := range map[string]bool{"in/a/": true, "in/": false, "": false} {
			cmd := exec.CommandContext(t.Context(), "aws", "--endpoint-url", w.aws.URL, "s3api", "list-objects-v2", "--bucket", "acme-masters", "--prefix", prefix)
			cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+container["AccessKeyId"], "AWS_SECRET_ACCESS_KEY="+container["SecretAccessKey"], "AWS_SESSION_TOKEN="+container["Token"],
				"AWS_DEFAULT_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
			if out, err := cmd.CombinedOutput(); (err == nil) != want {
				t.Errorf("list %q: %v\n%s", prefix, err, out)
			}
		}

		// What it is not for.
		for path, want := range map[string]int{
			masters + "/credentials?access=write":           http.StatusForbidden,
			masters + "/credentials?prefix=../":             http.StatusUnprocessableEntity,
			masters + "/credentials?form=env":               http.StatusUnprocessableEntity,
			"/api/o/acme/connections/other/credentials":     http.StatusNotFound,
			"/api/o/globex/connections/masters/credentials": http.StatusNotFound,
			masters: http.StatusForbidden,
		} {
			if got := w.do(token, http.MethodGet, path, ""); got.status != want {
				t.Errorf("%s: %d, want %d\n%s", path, got.status, want, got.body)
			}
		}
		if got := w.do(token, http.MethodGet, masters+"/credentials?form=container&access=write", ""); got.header.Get("Content-Type") != "application/json" || read[map[string]string](t, got)["code"] != "forbidden" {
			t.Errorf("%v\n%s", got.header, got.body)
		}
		// It is for the connection, not for its name.
		w.must(http.StatusNoContent, http.MethodDelete, masters, "")
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-delivery","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		if got := w.do(token, http.MethodGet, masters+"/credentials", ""); got.status != http.StatusNotFound {
			t.Errorf("for another connection of the name: %d\n%s", got.status, got.body)
		}
		// Each session is on record, with what CloudTrail shows of it.
		records := read[service.List[service.AuditRecord]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", ""))
		var found []string
		sessions := 0 // of the check: each is on record twice
		for _, r := range records.Results {
			if r.AWS != nil && r.Action == account.CheckStart {
				sessions++
				continue
			}
			if r.AWS != nil {
				found = append(found, r.AWS.AccessKeyID)
				if r.AWS.RoleARN != "arn:aws:iam::111122223333:role/media" || !strings.HasPrefix(r.AWS.SessionName, "acme.tool-") {
					t.Errorf("%+v", r.AWS)
				}
			}
		}
		if sessions < 2 || sessions%2 != 0 || len(found) != 2 || found[1] != process["AccessKeyId"] || found[0] != container["AccessKeyId"] {
			t.Errorf("on record are %v", found)
		}
	})
}
