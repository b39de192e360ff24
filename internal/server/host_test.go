package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/service"
)

// What commands beside the service do is on record, and they may do no more than
// the service: nothing for an organization that is paused or suspended.
func TestHostWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, two)
	l := w.mustCommand()
	defer l.close(t)
	vend := service.HostWork{Action: account.CredentialsVend, Organization: "acme", Connection: "masters", Target: "connections/masters read ", Command: "credentials"}
	run := service.HostWork{Action: account.JobRun, Organization: "acme", Target: "jobs/1", Command: "run"}
	release := service.HostWork{Action: account.ConnectionRelease, Organization: "acme", Connection: "masters", Target: "connections/masters", Command: "connection release"}
	for _, work := range []service.HostWork{vend, run, release} {
		if err := l.Record(t.Context(), work); err != nil {
			t.Errorf("%s: %v", work.Command, err)
		}
	}
	given := vend
	given.Reason, given.AWS = "given out", &service.AuditAWS{AccessKeyID: "ASIA1", SessionName: "session"}
	if err := l.Record(t.Context(), given); err != nil {
		t.Error(err)
	}
	// Sessions of work are on record before they are asked for and when they began.
	session := credential.Event{Kind: credential.EventAssume, Organization: "acme", RoleARN: "arn:aws:iam::111122223333:role/ready", SessionName: "acme.1"}
	record := func(of service.HostWork, key string) error {
		session.AccessKeyID = key
		return l.Sessions(func(credential.Event) service.HostWork { return of })(t.Context(), session)
	}
	for _, key := range []string{"", "ASIARUN"} {
		if err := record(run, key); err != nil {
			t.Error(err)
		}
	}
	l.check(t, "acme", "masters")
	text := string(w.must(http.StatusOK, http.MethodGet, "/api/o/acme/audit?limit=200", "").body)
	for _, part := range []string{`"credentials.vend"`, `"job.run"`, `"connection.release"`, `"ASIA1"`, `"ASIARUN"`, `"reason":"asked for","request_id":"run","aws":{"access_key_id":"","session_name":"acme.1"`, `"request_id":"check"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not on record\n%s", part, text)
		}
	}

	// Those that the config declares are not among those made over the API.
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"hooli"}`)
	for _, path := range []string{"/api/o/hooli/connections/masters", "/api/o/hooli/connections/others"} {
		w.must(http.StatusCreated, http.MethodPut, path, `{"purpose":"source","bucket":"acme-masters"}`)
	}
	for _, org := range []string{"", "hooli"} {
		if made, err := l.Made(t.Context(), org, "masters"); err != nil || len(made) != 1 || made[0].APIName != "hooli" || made[0].Connections["masters"].Bucket != "acme-masters" {
			t.Errorf("made in %q: %+v, %v", org, made, err)
		}
	}
	if made, err := l.Made(t.Context(), "acme", "masters"); err != nil || len(made) > 0 {
		t.Errorf("made in acme: %+v, %v", made, err)
	}

	w.must(http.StatusOK, http.MethodPatch, "/api/o/acme", `{"paused":true}`)
	for _, work := range []service.HostWork{vend, run} {
		if err := l.Record(t.Context(), work); rolecall.CodeOf(err) != rolecall.Conflict {
			t.Errorf("%s while paused: %v", work.Command, err)
		}
	}
	// A job that runs goes on, a tool gets no more.
	if err := record(run, ""); err != nil {
		t.Errorf("a session of a job while paused: %v", err)
	}
	if err := record(vend, ""); rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("a session of a tool while paused: %v", err)
	}
	w.must(http.StatusOK, http.MethodPatch, "/api/o/acme", `{"paused":false}`)
	w.declare("{globex: {}}")
	w.readAgain()
	for _, work := range []service.HostWork{vend, run} {
		if err := l.Record(t.Context(), work); rolecall.CodeOf(err) != rolecall.Conflict {
			t.Errorf("%s while suspended: %v", work.Command, err)
		}
	}
	if err := l.Record(t.Context(), release); err != nil {
		t.Errorf("release while suspended: %v", err)
	}
}
