package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
)

// A customer is connected over HTTP alone: the organization, the connection, a
// check that fails, the policies, pasted as they were given, and a check that
// passes.
func TestConnect(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		acme := read[service.Organization](t, w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme","name":"Acme Studios"}`))
		if len(acme.ExternalID) != 32 || len(acme.Principals) != 1 || acme.Principals[0].ARN != "arn:aws:iam::999988887777:role/worker" || acme.ManagedBy != service.ByAPI {
			t.Errorf("%+v", acme)
		}
		const masters = "/api/o/acme/connections/masters"
		put := w.must(http.StatusCreated, http.MethodPut, masters,
			`{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
		if c := read[service.Connection](t, put); c.Status != service.Pending || c.Checked != nil || put.header.Get("ETag") != `"1"` {
			t.Errorf("%+v, %v", c, put.header)
		}

		failed := w.check(masters, "")
		if failed.Result == nil || *failed.Result != rolecall.CheckFail || failed.Ended == nil || len(failed.Steps) != len(rolecall.CheckSteps()) {
			t.Errorf("%+v", failed)
		}
		if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, "")); c.Status != service.Failed || !strings.HasPrefix(c.Reason, "assume: ") {
			t.Errorf("%+v", c)
		}

		for _, format := range []string{"json", "cloudformation", "terraform"} {
			w.must(http.StatusOK, http.MethodGet, masters+"/policies?format="+format, "")
		}
		w.paste(w.must(http.StatusOK, http.MethodGet, masters+"/policies?format=cli", "").body, "AKIAROLES")
		passed := w.check(masters, `{"wait":"1ms"}`)
		if passed.Result == nil || *passed.Result == rolecall.CheckFail {
			t.Errorf("%+v", passed)
		}
		c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, ""))
		if c.Status != service.Verified || c.Reason != "" || c.Verified == nil || !c.Verified.Equal(*passed.Ended) || c.Revision != 1 {
			t.Errorf("%+v", c)
		}
		history := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", ""))
		if len(history.Results) != 2 || history.Results[0].ID != passed.ID || history.Results[1].ID != failed.ID {
			t.Errorf("%+v", history)
		}

		// Whoever comes back to the events gets those that it has not seen.
		steps := len(rolecall.CheckSteps())
		for seen, want := range map[string]int{"": steps, "1": steps - 1, strconv.Itoa(steps): 0, "x": steps} {
			events := string(w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+passed.ID+"/events", "", "Last-Event-ID", seen).body)
			if got := strings.Count(events, "event: step\n"); got != want || strings.Count(events, "event: result\n") != 1 {
				t.Errorf("after %q: %d steps\n%s", seen, got, events)
			}
		}

		// Another process finds all of it.
		w.end()
		w.start()
		if again := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, "")); again.Status != service.Verified || !again.Verified.Equal(*c.Verified) {
			t.Errorf("%+v", again)
		}
		// What matters changes it back; what does not, does not.
		const changed = `{"purpose":"source","bucket":"acme-masters","prefix":"in/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"%s}`
		if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodPut, masters, strings.Replace(changed, "%s", `,"probe_key":"in/a.mov"`, 1))); c.Status != service.Verified || c.Revision != 2 {
			t.Errorf("%+v", c)
		}
		if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodPut, masters, strings.NewReplacer(`in/"`, `other/"`, "%s", "").Replace(changed))); c.Status != service.Pending {
			t.Errorf("%+v", c)
		}
	})
}
