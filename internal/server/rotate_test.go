package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// An external id is replaced while work goes on: each connection moves when it
// passes with the new one, and afterwards the old one has to be refused.
func TestRotation(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{declared: {}}")
		const masters, rotations = "/api/o/acme/connections/masters", "/api/o/acme/external-id/rotations"
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme","external_id":{"mode":"api_name"}}`)
		w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/own", `{"purpose":"source","bucket":"acme-masters","external_id":{"mode":"custom","value":"own-4711"}}`)
		w.put("acme-masters", "a.mov")
		apply := func() {
			w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
		}
		apply()
		result := func() rolecall.CheckResult {
			c := w.check(masters, `{"wait":"1ms"}`)
			return *c.Result
		}
		if got := result(); got != rolecall.CheckPass {
			t.Fatal(got)
		}
		first := read[service.Rotation](t, w.must(http.StatusCreated, http.MethodPost, rotations, "{}"))
		if first.Old != "acme" || first.New == first.Old || len(first.Connections) != 1 || first.Connections[0].Passed || first.Connections[0].Name != "masters" {
			t.Errorf("%+v", first)
		}
		again := read[service.Rotation](t, w.must(http.StatusCreated, http.MethodPost, rotations, ""))
		if again.New != first.New || again.Old != first.Old {
			t.Errorf("%+v, then %+v", first, again)
		}
		both := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme", ""))
		if both.ExternalID != first.New || len(both.ExternalIDs) != 2 {
			t.Errorf("%+v", both)
		}
		// The old one still works, and a check with the new one does not end that.
		w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")
		if got := result(); got != rolecall.CheckFail {
			t.Errorf("the new one, which nobody set up: %s", got)
		}
		now := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, ""))
		if now.Status != service.Verified || !strings.HasPrefix(now.Reason, "with the new external id") {
			t.Errorf("%+v", now)
		}
		w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")
		// Policies take both, and with them it moves.
		for _, format := range []string{"json", "cloudformation", "terraform", "cli"} {
			text := string(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format="+format, "").body)
			if !strings.Contains(text, first.New) || !strings.Contains(text, `"acme"`) && !strings.Contains(text, "- acme") && !strings.Contains(text, "acme\n") {
				t.Errorf("%s: %s", format, text)
			}
		}
		apply()
		if got := result(); got != rolecall.CheckPass {
			t.Errorf("with both: %s", got)
		}
		moved := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme", ""))
		if len(moved.ExternalIDs) != 1 || moved.ExternalID != first.New {
			t.Errorf("%+v", moved)
		}
		w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")
		// The old one is to be refused now.
		check := w.check(masters, `{"wait":"1ms"}`)
		if *check.Result == rolecall.CheckPass || !strings.Contains(string(w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+check.ID, "").body), "from before the last change") {
			t.Errorf("%+v", check)
		}
		apply()
		if got := result(); got != rolecall.CheckPass {
			t.Errorf("with the new one alone: %s", got)
		}
		w.must(http.StatusConflict, http.MethodPost, "/api/o/declared/external-id/rotations", "{}")
		w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"other","external_id":{"mode":"custom","value":"`+first.New+`"}}`)
	})
}
