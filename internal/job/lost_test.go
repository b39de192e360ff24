package job_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
)

// lost has the answer to the first beginning of an upload lost.
const lost = "  - {service: s3, bucket: acme-masters, operation: CreateMultipartUpload, cut_response_after: 0, times: 1}\n"

// An upload whose id was lost with the answer, so that a second one was begun,
// is aborted when its step ends, where the role may list uploads; where it may
// not, the step is done all the same.
func TestLostUploadsOfThisRun(t *testing.T) {
	t.Parallel()
	const (
		away    = `"location": "s3://acme-masters/out/", "role_arn": "arn:aws:iam::111122223333:role/`
		curator = `"role_arn": "arn:aws:iam::111122223333:role/curator"`
		forever = "  - {service: s3, operation: UploadPart, error: AccessDenied}\n"
	)
	for name, c := range map[string]struct {
		faults, tool, parameters string
		status                   rolecall.Status
		left                     int
	}{
		"put":                {lost, "put", `{` + away + `curator", "files": ["*"]}`, rolecall.Completed, 0},
		"put, may not list":  {lost, "put", `{` + away + `media", "files": ["*"]}`, rolecall.Completed, 1},
		"copy":               {lost, "copy", `{"source": {"connection": "masters"}, "destination": {` + away + `curator"}, "files": ["*"]}`, rolecall.Completed, 0},
		"copy, may not list": {lost, "copy", `{"source": {"location": "s3://acme-masters/in/", ` + curator + `}, "destination": {` + away + `media"}, "files": ["*"]}`, rolecall.Completed, 1},
		"put fails":          {lost + forever, "put", `{` + away + `curator", "files": ["*"]}`, rolecall.Failed, 0},
		"copy fails":         {lost + forever, "copy", `{"source": {"connection": "masters"}, "destination": {` + away + `curator"}, "files": ["*"]}`, rolecall.Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.faults)
			dir, data := t.TempDir(), media(1, 17<<20)
			if c.tool == "put" {
				write(t, dir, "big", data)
			} else {
				w.fill(t, "acme-masters", "in/big", data)
			}
			report := w.run(t.Context(), t, dir, tool("storage:"+c.tool, c.parameters), nil)
			if report.Status != c.status {
				t.Fatal(show(report))
			}
			if report.Status == rolecall.Completed && !bytes.Equal(w.objects(t, "acme-masters")["out/big"], data) {
				t.Error("the object is another")
			}
			if open := w.uploads(t, "acme-masters"); len(open) != c.left {
				t.Errorf("%d uploads are left", len(open))
			}
		})
	}
}

// Where no answer is lost nobody asks for a session that may list uploads, nor
// lists them; and nobody does when the job was interrupted.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults string
		status rolecall.Status
		left   int
	}{
		"done":        {"", rolecall.Completed, 0},
		"interrupted": {lost + "  - {service: s3, operation: UploadPart, delay: 1h, after: 1}\n", rolecall.Aborted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.faults)
			dir := t.TempDir()
			write(t, dir, "big", media(1, 17<<20))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			put := tool("storage:put", `{"location": "s3://acme-masters/out/", "files": ["*"], "role_arn": "arn:aws:iam::111122223333:role/curator"}`)
			report := w.run(ctx, t, dir, put, func(e job.Event) {
				if c.status == rolecall.Aborted && e.Progress.Kind == task.Moved {
					cancel()
				}
			})
			if report.Status != c.status || w.assumed.Load() != 1 {
				t.Errorf("%d sessions: %s", w.assumed.Load(), show(report))
			}
			if open := w.uploads(t, "acme-masters"); len(open) != c.left {
				t.Errorf("%d uploads are left", len(open))
			}
		})
	}
}
