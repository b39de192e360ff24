package worker_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/worker"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const accounts = `
accounts:
  "999900009999":
    users:
      worker:
        access_key_id: AKIAWORKER0000000001
        secret_access_key: worker-secret
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
  "111122223333":
    roles: {media: {trust: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole",
      Principal: {AWS: "arn:aws:iam::999900009999:user/worker"}, Condition: {StringEquals: {"sts:ExternalId": acme-42}}}},
      policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}]}}
    buckets: {acme-masters: {region: eu-central-1, objects: ./acme}}
  "222233334444":
    roles: {media: {trust: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole",
      Principal: {AWS: "arn:aws:iam::999900009999:user/worker"}, Condition: {StringEquals: {"sts:ExternalId": globex-43}}}},
      policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}]}}
    buckets: {globex-masters: {region: eu-central-1, objects: ./globex}}
  "333344445555":
    roles: {media: {trust: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole",
      Principal: {AWS: "arn:aws:iam::999900009999:user/worker"}, Condition: {StringEquals: {"sts:ExternalId": evil-66}}}},
      policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}]}}
`

type tenants struct {
	vendor rolecall.Vendor
	orgs   map[string]rolecall.Organization
}

// open starts a sandbox with two customers, and opens a worker for both.
func open(t *testing.T, onEvent func(credential.Event)) (*worker.Worker, tenants) {
	t.Helper()
	dir := t.TempDir()
	text := accounts
	for _, org := range []string{"acme", "globex"} {
		objects := filepath.Join(dir, org)
		if err := os.MkdirAll(filepath.Join(objects, "in"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(objects, "in", "a.txt"), []byte(org), 0o600); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "./"+org, objects)
	}
	server := sandboxtest.Start(t, text)
	arn, err := rolecall.ParseARN("arn:aws:iam::999900009999:user/worker")
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(keys, []byte(`{"AccessKeyId": "AKIAWORKER0000000001", "SecretAccessKey": "worker-secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	all := tenants{
		vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": {Name: "production", ARN: arn, Default: true}}},
		orgs:   map[string]rolecall.Organization{},
	}
	for name, account := range map[string]string{"acme": "111122223333", "globex": "222233334444", "evil": "333344445555"} {
		id := map[string]string{"acme": "acme-42", "globex": "globex-43", "evil": "evil-66"}[name]
		all.orgs[name] = rolecall.Organization{
			APIName: name, ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: id},
			Connections: map[string]rolecall.Connection{"masters": {
				Name: "masters", Purpose: rolecall.Source, Bucket: name + "-masters", Prefix: "in/", Region: "eu-central-1",
				RoleARN: "arn:aws:iam::" + account + ":role/media",
			}},
		}
	}
	w, err := worker.Open(worker.Settings{
		Vendor: all.vendor, Sources: map[string]credential.Source{"production": {Source: credential.SourceStatic, File: keys}},
		STSEndpoint: server.URL, S3Endpoint: server.URL, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, OnEvent: onEvent,
	}, worker.Stores{Verdicts: credential.Memory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w, all
}

// fetch runs a job of the organization that fetches all of its masters.
func (all tenants) fetch(t *testing.T, w *worker.Worker, org string) (rolecall.JobReport, string) {
	t.Helper()
	plan, err := rolecall.ReadPlan([]byte(`{"tasks": [{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["**"]}}]}`),
		all.orgs[org], all.vendor, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	report := w.Run(t.Context(), job.Job{ID: job.NewID(), Plan: plan, Dir: root}, nil)
	got, err := os.ReadFile(filepath.Join(dir, "a.txt"))
	if err != nil && report.Status == rolecall.Completed {
		t.Error(err)
	}
	return report, string(got)
}

// One process works for two organizations at once, and each gets its own.
func TestOrganizationsSideBySide(t *testing.T) {
	t.Parallel()
	w, all := open(t, nil)
	var wait sync.WaitGroup
	for _, org := range []string{"acme", "globex"} {
		wait.Go(func() {
			if report, got := all.fetch(t, w, org); report.Status != rolecall.Completed || got != org {
				t.Errorf("%s: %s %v, got %q", org, report.StatusText, report.Errors, got)
			}
			c := all.orgs[org].Connections["masters"]
			report := w.Check(t.Context(), check.Request{
				ID: "check-1", Organization: all.orgs[org], Connection: c, Vendor: all.vendor, Principal: all.vendor.Principals["production"],
			}, nil)
			if report.Result != rolecall.CheckPass {
				t.Errorf("%s: %+v", org, report)
			}
		})
	}
	wait.Wait()
}

// A claim lasts until it is released. Then others may prove the role.
func TestRelease(t *testing.T) {
	t.Parallel()
	w, all := open(t, nil)
	if report, _ := all.fetch(t, w, "acme"); report.Status != rolecall.Completed {
		t.Fatal(report.Errors)
	}
	// Another organization with the same external id: only the claim distinguishes them.
	thief := all.orgs["acme"]
	thief.APIName = "initech"
	all.orgs["initech"] = thief
	if report, got := all.fetch(t, w, "initech"); report.Status != rolecall.Failed || got != "" {
		t.Errorf("before the release: %s, %q", report.StatusText, got)
	}
	released, err := w.Release(t.Context(), all.orgs["acme"], all.orgs["acme"].Connections["masters"])
	if err != nil || released != "arn:aws:iam::111122223333:role/media" {
		t.Fatal(released, err)
	}
	if report, got := all.fetch(t, w, "initech"); report.Status != rolecall.Completed || got != "acme" {
		t.Errorf("after the release: %s %v, %q", report.StatusText, report.Errors, got)
	}
	if _, err := w.Release(t.Context(), all.orgs["acme"], rolecall.Connection{Name: "keys", Secret: "keys"}); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("a secret's: %v", err)
	}
}

// The events of a vault are passed on, whatever the log.
func TestEventsArePassedOn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[credential.EventKind]int{}
	w, all := open(t, func(e credential.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen[e.Kind]++
	})
	if report, _ := all.fetch(t, w, "globex"); report.Status != rolecall.Completed {
		t.Fatal(report.Errors)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen[credential.EventProbe] == 0 || seen[credential.EventProof] != 1 || seen[credential.EventAssume] == 0 {
		t.Error(fmt.Sprint(seen))
	}
}

// What is missing is reported at once, not when a job runs.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	if _, err := worker.Open(worker.Settings{}, worker.Stores{}); err == nil {
		t.Error("opened without verdicts")
	}
}
