package job_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/task"
)

// attempt loads a stored document, makes its plan, and runs it in the directory
// with the journal that an earlier attempt left there, as a service does.
func (w *world) attempt(ctx context.Context, t *testing.T, document, dir string, observe func(job.Event)) (rolecall.Plan, rolecall.JobReport) {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := rolecall.ReadPlan(data, w.org, w.vendor, "")
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j, err := job.OpenJournal(root, plan.Digest, make([]byte, journal.KeyBytes), job.Resume)
	if err != nil {
		t.Fatal(err)
	}
	report := job.Run(ctx, job.Job{ID: j.ID, Plan: plan, Dir: root, Journal: j.Journal, Resumable: true}, w.access(t), observe)
	if err := j.Leave(report.Status); err != nil {
		t.Fatal(err)
	}
	return plan, report
}

// A job is its stored document: an attempt that was handed back is gone on with
// by one that makes the plan again, under the same id.
func TestStoredDocumentIsPlannedAgain(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/media"
	for name, document := range map[string]string{
		"native": `{"tags": ["reel"], "tasks": [
			{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["*"]}, "retries": 1},
			{"tool": "storage:put", "parameters": {"location": "s3://acme-masters/out/", "files": ["*"], "role_arn": "` + role + `"}}]}`,
		"of Axinom": `{"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "s3://acme-masters/in/", "RoleArnToAssume": "` + role + `"},
			"ContentPublishing": {"Provider": "AmazonS3", "UriPath": "s3://acme-masters/out/", "RoleArnToAssume": "` + role + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, operation: UploadPart, delay: 1h, after: 1, times: 1}\n")
			w.put(t, "acme-masters", map[string][]byte{"in/big": media(1, 24<<20)})
			stored, dir := filepath.Join(t.TempDir(), "job.json"), t.TempDir()
			if err := os.WriteFile(stored, []byte(document), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			first, aborted := w.attempt(ctx, t, stored, dir, func(e job.Event) {
				if e.Task == 1 && e.Progress.Kind == task.Moved {
					cancel(job.ErrHandBack)
				}
			})
			if aborted.Status != rolecall.Aborted {
				t.Fatal(show(aborted))
			}
			second, report := w.attempt(t.Context(), t, stored, dir, nil)
			if report.Status != rolecall.Completed || report.ID != aborted.ID {
				t.Error(show(report))
			}
			if !reflect.DeepEqual(first, second) {
				t.Errorf("the plan was %+v and is %+v", first, second)
			}
			if !bytes.Equal(w.objects(t, "acme-masters")["out/big"], media(1, 24<<20)) {
				t.Error("other bytes arrived")
			}
			created := 0
			for _, e := range w.server.Trail() {
				if e.Operation == "CreateMultipartUpload" {
					created++
				}
			}
			if created != 1 {
				t.Errorf("%d uploads for one file", created)
			}
		})
	}
}
