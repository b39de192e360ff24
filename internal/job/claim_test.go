package job_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
	"github.com/rolecall/rolecall/policy"
)

// another is a vault as another process has it, that shares the verdicts.
func (w *world) another(t *testing.T) *credential.Vault {
	t.Helper()
	v, err := credential.New(w.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// change changes a role's trust.
func (w *world) change(t *testing.T, account, name, trust string) {
	t.Helper()
	role := *w.config.Accounts[account].Roles[name]
	var err error
	if role.Trust, err = policy.Parse([]byte(trust)); err == nil {
		err = w.server.PutRole(account, name, &role)
	}
	if err != nil {
		t.Error(err)
	}
}

const openTrust = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999900009999:role/production"}}}`

// When the claim ends on a role that a running transfer uses, the transfer
// stops at once and takes back what it had begun, whoever found out and in
// whichever process.
func TestRunningWorkEndsWithItsClaim(t *testing.T) {
	t.Parallel()
	masters := credential.Role{
		Organization: "acme", Principal: "production", RoleARN: "arn:aws:iam::111122223333:role/media", ExternalID: "acme-42", JobID: "check",
	}
	delivery := masters
	delivery.RoleARN = "arn:aws:iam::222233334444:role/delivery"
	prove := func(role credential.Role) func(context.Context, *credential.Vault) error {
		return func(ctx context.Context, v *credential.Vault) error {
			if _, err := v.Prove(ctx, role); !errors.Is(err, credential.ErrDrift) || !errors.Is(err, credential.ErrUnsafe) {
				return errors.Join(errors.New("not told as drift"), err)
			}
			return nil
		}
	}
	get := tool("storage:get", `{"connection": "masters", "files": ["*"]}`, `, "retries": 3`)
	put := tool("storage:put", `{"connection": "delivery", "files": ["big"]}`, `, "retries": 3`)
	copied := tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["big"]}`, `, "retries": 3`)
	open := func(account, name string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.change(t, account, name, openTrust) }
	}
	data := media(3, 24<<20)
	for _, tc := range []struct {
		name, tasks, slow string
		here              bool // found out in the same process
		happens           func(*testing.T, *world)
		found             func(context.Context, *credential.Vault) error
		pointer           string
		message, hint     string
	}{
		{"get, here", get, "GetObject", true, open("111122223333", "media"), prove(masters), "/tasks/0/parameters/connection", "any more", "trust policy"},
		{"get, elsewhere", get, "GetObject", false, open("111122223333", "media"), prove(masters), "/tasks/0/parameters/connection", "withdrawn", "You: run rolecall check CONNECTION"},
		{"put, here", put, "UploadPart", true, open("222233334444", "delivery"), prove(delivery), "/tasks/0/parameters/connection", "any more", "trust policy"},
		{"put, elsewhere", put, "UploadPart", false, open("222233334444", "delivery"), prove(delivery), "/tasks/0/parameters/connection", "withdrawn", "You: run rolecall check CONNECTION"},
		{"copy, source", copied, "UploadPart", false, open("111122223333", "media"), prove(masters), "/tasks/0/parameters/source/connection", "withdrawn", "You: run rolecall check CONNECTION"},
		{"copy, destination", copied, "UploadPart", false, open("222233334444", "delivery"), prove(delivery), "/tasks/0/parameters/destination/connection", "withdrawn", "You: run rolecall check CONNECTION"},
		{
			"released", put, "UploadPart", false, func(*testing.T, *world) {},
			func(ctx context.Context, v *credential.Vault) error { return v.Release(ctx, delivery) },
			"/tasks/0/parameters/connection", "withdrawn", "You: run rolecall check CONNECTION",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, operation: "+tc.slow+", after: 1, delay: 1h}\n")
			w.options.WatchEvery = 10 * time.Millisecond
			w.vault = w.another(t)
			finder := w.vault
			if !tc.here {
				finder = w.another(t)
			}
			w.put(t, "acme-masters", map[string][]byte{"in/big": data})
			dir := t.TempDir()
			if strings.HasPrefix(tc.name, "put") || tc.name == "released" {
				write(t, dir, "big", data)
			}
			tries := 0
			var once sync.Once
			moves := make(chan struct{})
			ended := make(chan rolecall.JobReport, 1)
			go func() {
				ended <- w.run(t.Context(), t, dir, tc.tasks, func(e job.Event) {
					switch {
					case e.Kind == job.Started:
						tries++
					case e.Progress.Kind == task.Moved:
						once.Do(func() { close(moves) })
					}
				})
			}()
			<-moves
			tc.happens(t, w)
			if err := tc.found(t.Context(), finder); err != nil {
				t.Fatal(err)
			}
			report := <-ended
			if report.Status != rolecall.Failed || len(report.Errors) != 1 || tries != 1 {
				t.Fatalf("%d tries: %s", tries, show(report))
			}
			e := report.Errors[0]
			if e.Code != rolecall.Forbidden || e.Pointer != tc.pointer || !errors.Is(e, credential.ErrClaimEnded) {
				t.Errorf("%+v", e)
			}
			if !strings.Contains(e.Message, tc.message) || !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("%q: %q", e.Message, e.Hint)
			}
			if open := w.uploads(t, "globex-delivery"); len(open) > 0 {
				t.Errorf("%d multipart uploads are open", len(open))
			}
			if got := w.objects(t, "globex-delivery"); len(got) > 0 {
				t.Errorf("delivered %q", keysOf(got))
			}
			if left := tree(t, dir); tc.slow == "GetObject" && len(left) > 0 {
				t.Errorf("left are %q", keysOf(left))
			}
		})
	}
}

// What an interruption leaves for a later run is not left where the claim has
// ended that it rests on.
func TestInterruptedUploads(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"claim stands": 1, "claim ended": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, operation: UploadPart, after: 1, delay: 1h}\n")
			dir := t.TempDir()
			write(t, dir, "big", media(3, 24<<20))
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var once sync.Once
			moves := make(chan struct{})
			ended := make(chan rolecall.JobReport, 1)
			go func() {
				ended <- w.resumable(ctx, t, dir, tool("storage:put", `{"connection": "delivery", "files": ["big"]}`), func(e job.Event) {
					if e.Progress.Kind == task.Moved {
						once.Do(func() { close(moves) })
					}
				})
			}()
			<-moves
			if want == 0 {
				if err := w.vault.Release(t.Context(), credential.Role{
					Organization: "acme", Principal: "production", RoleARN: "arn:aws:iam::222233334444:role/delivery", ExternalID: "acme-42", JobID: "check",
				}); err != nil {
					t.Error(err)
				}
			}
			cancel(job.ErrHandBack)
			report := <-ended
			if report.Status == rolecall.Completed || want == 1 && report.Status != rolecall.Aborted {
				t.Error(show(report))
			}
			if open := w.uploads(t, "globex-delivery"); len(open) != want {
				t.Errorf("%d uploads are open, not %d", len(open), want)
			}
		})
	}
}
