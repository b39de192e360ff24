package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/internal/task"
)

// resumable runs a job with the journal that is in its directory.
func (w *world) resumable(ctx context.Context, t *testing.T, dir, tasks string, observe func(job.Event)) rolecall.JobReport {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j, err := journal.Open(root, reserved.Dir+"/test.journal", job.NewID(), make([]byte, journal.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	report := w.resume(ctx, t, j, root, tasks, observe)
	end := j.Close
	if report.Status == rolecall.Completed {
		end = j.Remove
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	return report
}

func (w *world) resume(ctx context.Context, t *testing.T, j *journal.Journal, root *os.Root, tasks string, observe func(job.Event)) rolecall.JobReport {
	t.Helper()
	return job.Run(ctx, job.Job{ID: j.Label(), Plan: w.plan(t, tasks), Dir: root, Journal: j, Resumable: true}, w.access(t), observe)
}

// An upload whose id was lost with the answer is found by who took the job up
// again, where the role may list uploads, and left alone where it may not.
func TestLostUploadsAreSwept(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]int{"curator": 0, "media": 1} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, operation: CreateMultipartUpload, cut_response_after: 0, times: 1}\n"+
				"  - {service: s3, operation: UploadPart, delay: 1h, times: 1}\n")
			dir := t.TempDir()
			write(t, dir, "big", media(1, 40<<20))
			put := tool("storage:put", `{"location": "s3://acme-masters/out/", "files": ["*"], "role_arn": "arn:aws:iam::111122223333:role/`+role+`"}`)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			first := w.resumable(ctx, t, dir, put, func(e job.Event) {
				if e.Progress.Kind == task.Moved {
					cancel(job.ErrHandBack)
				}
			})
			if first.Status != rolecall.Aborted {
				t.Fatal(show(first))
			}
			second := w.resumable(t.Context(), t, dir, put, nil)
			if second.Status != rolecall.Completed || second.ID != first.ID {
				t.Error(show(second))
			}
			if got := w.objects(t, "acme-masters"); !bytes.Equal(got["out/big"], media(1, 40<<20)) {
				t.Error("the object is another")
			}
			if open := w.uploads(t, "acme-masters"); len(open) != want {
				t.Errorf("%d uploads are left", len(open))
			}
			if left := keysOf(tree(t, dir)); len(left) != 1 {
				t.Errorf("left in the working directory: %q", left)
			}
		})
	}
}

// What a run that failed has done, the next one does not do again.
func TestFinishedFilesAreNotMovedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ bucket, operation, parameters string }{
		"get":  {"acme-masters", "GetObject", `{"connection": "masters", "files": ["*"]}`},
		"put":  {"globex-delivery", "PutObject", `{"connection": "delivery", "files": ["*"]}`},
		"copy": {"globex-delivery", "PutObject", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["*"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, bucket: "+tc.bucket+", operation: "+tc.operation+", after: 2, times: 1, delay: 1h}\n")
			dir := t.TempDir()
			for _, file := range []string{"a", "b", "c", "d"} {
				if name == "put" {
					write(t, dir, file, media(1, 10))
				}
				w.put(t, "acme-masters", map[string][]byte{"in/" + file: media(1, 10)})
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			done := 0
			first := w.resumable(ctx, t, dir, tool("storage:"+name, tc.parameters), func(e job.Event) {
				if e.Progress.Kind == task.FileDone {
					if done++; done == 3 {
						cancel(job.ErrHandBack)
					}
				}
			})
			if first.Status != rolecall.Aborted || first.Tasks[0].Files != 3 {
				t.Fatal(show(first))
			}
			before := len(w.server.Trail())
			second := w.resumable(t.Context(), t, dir, tool("storage:"+name, tc.parameters), nil)
			if second.Status != rolecall.Completed || second.Tasks[0].Files != 4 || second.Tasks[0].Bytes != 40 {
				t.Fatal(show(second))
			}
			again := 0
			for _, e := range w.server.Trail()[before:] {
				if e.Operation == tc.operation && e.Status != 0 { // none: that which the first run broke off
					again++
				}
			}
			if again != 1 {
				t.Errorf("%d requests for one file", again)
			}
		})
	}
}

// What ended by what may pass is left to the next run as it is; after another
// failure nothing is left.
func TestFailureThatMayPassLeavesWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parameters, more string
		kept             bool
	}{
		"no answer in time": {`{"connection": "masters", "files": ["*"]}`, `, "timeout_seconds": 1`, true},
		"not allowed":       {`{"location": "s3://globex-delivery/out/", "files": ["*"], "role_arn": "arn:aws:iam::111122223333:role/media"}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, bucket: acme-masters, operation: ListObjectsV2, delay: 1h}\n")
			j, root := unfinished(t)
			report := w.resume(t.Context(), t, j, root, tool("storage:get", c.parameters, c.more), nil)
			if report.Status != rolecall.Failed || (j.Unfinished() > 0) != c.kept {
				t.Errorf("%d are left: %s", j.Unfinished(), show(report))
			}
		})
	}
}

// unfinished makes a journal in which an upload is open.
func unfinished(t *testing.T) (*journal.Journal, *os.Root) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	j, err := journal.Open(root, reserved.Dir+"/test.journal", job.NewID(), make([]byte, journal.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	upload := j.Acquire(journal.DigestOf("a transfer"), journal.DigestOf("a version"))
	upload.BeginUpload("bucket", "key", "marker")
	upload.Began("id", func(context.Context) error { return nil })
	upload.Release()
	return j, root
}

// A job that is handed back leaves what is unfinished to the next run; one that
// is aborted for any other cause takes it back.
func TestHandBackLeavesWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cause error
		kept  bool
	}{
		"handed back": {job.ErrHandBack, true}, "handed back, for a reason": {fmt.Errorf("the worker drains: %w", job.ErrHandBack), true},
		"aborted": {errors.New("aborted"), false}, "cancelled": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, bucket: acme-masters, operation: ListObjectsV2, delay: 1h}\n")
			j, root := unfinished(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			report := w.resume(ctx, t, j, root, tool("storage:get", `{"connection": "masters", "files": ["*"]}`), func(job.Event) { cancel(c.cause) })
			if report.Status != rolecall.Aborted || (j.Unfinished() > 0) != c.kept {
				t.Errorf("%d are left: %s", j.Unfinished(), show(report))
			}
		})
	}
}
