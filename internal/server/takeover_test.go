package server_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/worker"
)

// local is what a command beside the service, or without one, works with.
type local struct {
	*server.Registry
	orgs   map[string]rolecall.Organization
	vendor rolecall.Vendor
	worker *worker.Worker
}

// command opens the registry as commands do, and registers what is declared.
func (w *world) command() (*local, error) {
	w.t.Helper()
	cfg, err := w.config()
	if err != nil {
		w.t.Fatal(err)
	}
	registry, err := server.OpenRegistry(w.t.Context(), cfg, nil)
	if err != nil {
		return nil, err
	}
	if _, err := registry.Register(w.t.Context(), cfg.Organizations); err != nil {
		return nil, errors.Join(err, registry.Close())
	}
	verdicts, err := registry.Verdicts()
	if err != nil {
		return nil, errors.Join(err, registry.Close())
	}
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{})
	if err != nil {
		w.t.Fatal(err)
	}
	return &local{registry, cfg.Organizations, cfg.Vendor, work}, nil
}

func (w *world) mustCommand() *local {
	w.t.Helper()
	l, err := w.command()
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (l *local) close(t *testing.T) {
	t.Helper()
	l.worker.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// check checks a connection as the command does.
func (l *local) check(t *testing.T, org, name string) rolecall.CheckResult {
	t.Helper()
	r := check.Request{ID: "06h2st7231q6qd5768hducm6s8", Organization: l.orgs[org], Connection: l.orgs[org].Connections[name], Vendor: l.vendor}
	var err error
	if r.Principal, err = l.vendor.PrincipalFor("", r.Connection.Region); err != nil {
		t.Fatal(err)
	}
	report, _, err := check.Recorded(t.Context(), r, l.worker, l.Checks(), func(r *check.Request) { r.Wait = 0 }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report.Result
}

func (l *local) journalKey(t *testing.T, org string) []byte {
	t.Helper()
	key, err := l.JournalKey(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const (
	ready   = `{purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/ready"}`
	two     = `{acme: {external_id: {mode: custom, value: x-42}, connections: {masters: ` + ready + `, other: {purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/none"}}}, globex: {}}`
	masters = "/api/o/acme/connections/masters"
)

// What local runs kept is the service's from its first start: a passing check
// makes its connection verified, names and claims stay whose they are, journals
// have the keys that they had. From then on commands work with the same.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := unserved(t, o, two)
		files := *w
		files.database = "" // before the database is declared
		before := files.mustCommand()
		if got := before.check(t, "acme", "masters"); got != rolecall.CheckPass && got != rolecall.CheckWarn {
			t.Fatalf("the check: %s", got)
		}
		if got := before.check(t, "acme", "other"); got != rolecall.CheckFail {
			t.Fatalf("the check: %s", got)
		}
		key, globex := before.journalKey(t, "acme"), before.orgs["globex"].ExternalID.Value

		// Not while a local run is under way, which would go on with the files.
		if err := w.refused(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(err.Error(), "local run") {
			t.Errorf("beside a local run: %v", err)
		}
		before.close(t)

		w.start()
		c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, ""))
		if c.Status != service.Verified || c.Verified == nil || c.Checked == nil {
			t.Errorf("masters: %+v", c)
		}
		if checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")); len(checks.Results) != 1 {
			t.Errorf("checks of masters: %+v", checks)
		}
		if checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme/connections/other/checks", "")); len(checks.Results) != 1 {
			t.Errorf("checks of other: %+v", checks)
		}
		if got := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/globex", "")); got.ExternalID != globex {
			t.Errorf("globex had %s, and has %s", globex, got.ExternalID)
		}
		w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"initech","external_id":{"mode":"custom","value":"`+globex+`"}}`)

		beside := w.mustCommand()
		defer beside.close(t)
		if got := beside.journalKey(t, "acme"); !bytes.Equal(got, key) {
			t.Errorf("the key of journals was %x, and is %x", key, got)
		}
		verdicts, err := beside.Verdicts()
		if err != nil {
			t.Fatal(err)
		}
		role := credential.Subject{Organization: "globex", RoleARN: "arn:aws:iam::111122223333:role/Ready"}
		var claimed *credential.ClaimedError
		if _, err := verdicts.Get(t.Context(), role); !errors.As(err, &claimed) || claimed.Owner != "acme" {
			t.Errorf("the claim: %v", err)
		}
		if got := beside.check(t, "acme", "masters"); got != rolecall.CheckPass && got != rolecall.CheckWarn {
			t.Errorf("the check beside: %s", got)
		}
		if checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")); len(checks.Results) != 2 {
			t.Errorf("checks of masters: %+v", checks)
		}

		// Nothing reads the files any more.
		for _, name := range []string{"external-ids", "verdicts", "checks", "journal.key"} {
			if err := os.RemoveAll(filepath.Join(w.dir, "rolecall-state", name)); err != nil {
				t.Error(err)
			}
		}
		w.end()
		w.start()
		if got := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/globex", "")); got.ExternalID != globex {
			t.Errorf("globex had %s, and has %s", globex, got.ExternalID)
		}
		again := w.mustCommand()
		if got := again.journalKey(t, "acme"); !bytes.Equal(got, key) {
			t.Errorf("the key of journals was %x, and is %x", key, got)
		}
		again.close(t)

		// With another database, or none, the directory is refused.
		w.end()
		for name, url := range map[string]string{"none": "", "an empty one": engines.Database(t)} {
			if other := *w; url != o.URL {
				other.database = url
				if err := other.refused(); rolecall.CodeOf(err) != rolecall.Conflict {
					t.Errorf("%s: %v", name, err)
				}
				if _, err := other.command(); rolecall.CodeOf(err) != rolecall.Conflict {
					t.Errorf("a command with %s: %v", name, err)
				}
			}
		}
	})
}

// A check counts only for the connection as it is declared now, and by who
// checks it now.
func TestTakeOverOfAChangedConnection(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(string) string{
		"prefix": func(s string) string {
			return strings.Replace(s, "purpose: source,", "purpose: source, prefix: in/,", 1)
		},
		"external id": func(s string) string { return strings.Replace(s, "x-42", "x-43", 1) },
		"name":        func(s string) string { return strings.Replace(s, "masters:", "originals:", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := unserved(t, inDirectory, two)
			before := w.mustCommand()
			before.check(t, "acme", "masters")
			before.close(t)
			w.declare(change(two))
			w.start()
			place := masters
			if name == "name" {
				place = "/api/o/acme/connections/originals"
			}
			if checks := read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, place+"/checks", "")); len(checks.Results) != 1 {
				t.Errorf("it was not checked at start: %+v", checks)
			}
		})
	}
}

// What the database has as another's refuses the start, and nothing is taken
// over; the operator finds what to do in the hint.
func TestTakeOverConflicts(t *testing.T) {
	t.Parallel()
	url := engines.Database(t)
	first := newWorld(t, store.Options{URL: url}, `{}`)
	first.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"globex","external_id":{"mode":"custom","value":"X-42"}}`)
	if err := storeOf(t, url).Verdicts().Put(t.Context(), credential.Subject{Organization: "globex", Principal: "p", RoleARN: "arn:aws:iam::111122223333:role/ready"},
		credential.Verdict{}, credential.Verdict{Passed: true, RoleID: "AROA"}); err != nil {
		t.Fatal(err)
	}
	w := unserved(t, store.Options{}, `{acme: {external_id: {mode: custom, value: x-42}, connections: {masters: `+ready+`}}, initech: {}}`)
	before := w.mustCommand()
	before.check(t, "acme", "masters")
	before.close(t)
	w.database = url
	if err := w.refused(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(err.Error(), "sealing key") {
		t.Errorf("with a sealing key of its own: %v", err)
	}
	seal, err := os.ReadFile(filepath.Join(first.dir, "rolecall-state", "seal.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "rolecall-state", "seal.json"), seal, 0o600); err != nil {
		t.Fatal(err)
	}
	err = w.refused()
	faults := rolecall.List(err)
	if rolecall.CodeOf(err) != rolecall.Conflict || len(faults) != 1 {
		t.Fatalf("%v", err)
	}
	_, file, _ := strings.Cut(faults[0].Hint, "remove ")
	file, _, _ = strings.Cut(file, " in the state")
	if _, err := w.command(); rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("a command: %v", err)
	}
	if owner, err := storeOf(t, url).Names().OwnerOf(t.Context(), "initech"); owner != "" || err != nil {
		t.Errorf("initech is %q's, %v", owner, err)
	}
	if err := os.Remove(filepath.Join(w.dir, "rolecall-state", file)); err != nil {
		t.Fatal(err)
	}
	w.declare(`{acme: {external_id: {mode: custom, value: y-42}}, initech: {}}`)
	err = w.refused() // the claim, now
	_, file, _ = strings.Cut(rolecall.List(err)[0].Hint, "remove ")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	first.end() // one serves at a time
	w.start()
}

// Of many that open a directory at once, which local runs have used, each finds
// it taken over once.
func TestTakeOverAtOnce(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := unserved(t, store.Options{}, two)
		before := w.mustCommand()
		before.check(t, "acme", "masters")
		globex := before.orgs["globex"].ExternalID
		before.close(t)
		w.database = o.URL
		if o.URL == "" { // a service was killed once it had made its database
			dir, err := state.Open(filepath.Join(w.dir, "rolecall-state"))
			if err != nil {
				t.Fatal(err)
			}
			path, err := dir.Database()
			if err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(t.Context(), store.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				l, err := w.command()
				if err != nil {
					t.Error(err)
					return
				}
				defer l.close(t)
				if l.orgs["globex"].ExternalID != globex {
					t.Errorf("globex has %v, not %v", l.orgs["globex"].ExternalID, globex)
				}
			})
		}
		all.Wait()
		w.start()
		if c := read[service.Connection](t, w.must(http.StatusOK, http.MethodGet, masters, "")); c.Status != service.Verified {
			t.Errorf("%+v", c)
		}
	})
}

func storeOf(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.WithoutCancel(t.Context()), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
