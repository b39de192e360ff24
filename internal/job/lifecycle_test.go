package job_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
)

// Sessions die after a minute, whatever STS said of them. Each time a new one
// has come and bytes move, a minute passes.
func TestTransfersOutliveTheirCredentials(t *testing.T) {
	t.Parallel()
	const expiries = 3
	// Requests under way at an expiry go through, and a copy reads ahead of
	// what it tells: there must be more parts than four rounds of them.
	whole := media(7, 160<<20)
	for name, tasks := range map[string]string{
		"get":  tool("storage:get", `{"location": "s3://acme-masters/in/big", "role_arn": "arn:aws:iam::111122223333:role/media"}`),
		"put":  tool("storage:put", `{"connection": "delivery", "path": "big"}`),
		"copy": tool("storage:copy", `{"source": {"connection": "masters", "path": "big"}, "destination": {"location": "s3://{keys}@globex-delivery/out/big"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: sts, operation: AssumeRole, expire_after: 60s}\n")
			dir, data := t.TempDir(), whole
			if name == "put" {
				write(t, dir, "big", data)
			} else {
				w.put(t, "acme-masters", map[string][]byte{"in/big": data})
			}
			passed := int64(0)
			report := w.run(t.Context(), t, dir, tasks, func(e job.Event) {
				if e.Progress.Kind == task.Moved && passed < expiries && w.assumed.Load() == passed+1 {
					passed++
					w.late.Add(61)
				}
			})
			if report.Status != rolecall.Completed {
				t.Fatal(show(report))
			}
			if passed != expiries || w.assumed.Load() != expiries+1 {
				t.Errorf("%d expiries, %d sessions", passed, w.assumed.Load())
			}
			expired := 0
			for _, e := range w.server.Trail() {
				if e.ErrorCode == "ExpiredToken" {
					expired++
				}
			}
			if expired < expiries {
				t.Errorf("S3 called only %d requests expired", expired)
			}
			got := w.objects(t, "globex-delivery")["out/big"]
			if name == "get" {
				got = tree(t, dir)["big"]
			}
			if sha256.Sum256(got) != sha256.Sum256(data) {
				t.Errorf("%d bytes arrived, not the same", len(got))
			}
		})
	}
}

// An abort takes back what was begun: uploads are aborted, unfinished files
// removed.
func TestAbortLeavesNothing(t *testing.T) {
	t.Parallel()
	data := media(3, 40<<20)
	for name, tasks := range map[string]string{
		"get":  tool("storage:get", `{"connection": "masters", "files": ["*"]}`),
		"put":  tool("storage:put", `{"connection": "delivery", "files": ["big"]}`),
		"copy": tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["big"]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			w.put(t, "acme-masters", map[string][]byte{"in/big": data})
			dir := t.TempDir()
			if name == "put" {
				write(t, dir, "big", data)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			report := w.run(ctx, t, dir, tasks+","+tool("storage:exists", `{"connection": "masters", "path": "big"}`), func(e job.Event) {
				if e.Progress.Kind == task.Moved {
					cancel()
				}
			})
			if report.Status != rolecall.Aborted || report.Tasks[0].Status != rolecall.Aborted || report.Tasks[1].Status != rolecall.Submitted || len(report.Errors) > 0 {
				t.Error(show(report))
			}
			if open := w.uploads(t, "globex-delivery"); len(open) > 0 {
				t.Errorf("%d multipart uploads are open", len(open))
			}
			if got := w.objects(t, "globex-delivery"); len(got) > 0 {
				t.Errorf("delivered %q", keysOf(got))
			}
			if left := tree(t, dir); name != "put" && len(left) > 0 {
				t.Errorf("left are %q", keysOf(left))
			}
		})
	}
}

// Keys that are listed already are not looked at any more once the job is
// aborted.
func TestAbortEndsTheSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a/": {}, "in/b/": {}, "in/c/": {}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var skipped []string
	report := w.run(ctx, t, t.TempDir(), tool("storage:get", `{"connection": "masters", "files": ["**"]}`), func(e job.Event) {
		if e.Progress.Kind == task.Skipped {
			skipped = append(skipped, e.Progress.Name)
			cancel()
		}
	})
	if report.Status != rolecall.Aborted || len(skipped) != 1 {
		t.Errorf("%s after %q", report.StatusText, skipped)
	}
}

// The most expensive patterns that a job may have, on names that are made for
// them, do not hold it beyond its time.
func TestTimeoutEndsTheSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	objects := map[string][]byte{}
	for i := range 300 {
		objects[fmt.Sprintf("in/%s%d", strings.Repeat("a", 1000), i)] = nil
	}
	w.put(t, "acme-masters", objects)
	var files []string
	for i := range rolecall.MaxPatterns {
		files = append(files, fmt.Sprintf("%q", strings.Repeat("*a", rolecall.MaxStars)+fmt.Sprintf("b%d", i)))
	}
	began := time.Now()
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"connection": "masters", "files": [`+strings.Join(files, ",")+`]}`, `, "timeout_seconds": 1`), nil)
	if report.Status != rolecall.Failed || len(report.Errors) != 1 || report.Errors[0].Pointer != "/tasks/0/timeout_seconds" {
		t.Error(show(report))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// When one of several side by side fails, the others take back what they had
// begun.
func TestFailureCancelsNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "  - {service: s3, operation: UploadPart, delay: 1h}\n"+
		"  - {service: s3, operation: ListObjectsV2, delay: 500ms}\n") // so that the upload has begun
	dir := t.TempDir()
	write(t, dir, "big", media(3, 40<<20))
	report := w.run(t.Context(), t, dir,
		tool("storage:put|p", `{"connection": "delivery", "files": ["big"]}`, `, "timeout_seconds": 3600`)+","+
			tool("storage:exists|p", `{"connection": "masters", "path": "missing"}`), nil)
	if report.Status != rolecall.Failed || report.Tasks[0].Status != rolecall.Aborted || report.Tasks[1].Status != rolecall.Failed {
		t.Error(show(report))
	}
	if open := w.uploads(t, "globex-delivery"); len(open) > 0 {
		t.Errorf("%d multipart uploads are open", len(open))
	}
}

// A thousand tasks with one role and scope share one credential.
func TestTasksShareTheirCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a": {}})
	var tasks []string
	for i := range 200 {
		mark := ""
		if i >= 100 {
			mark = "|p"
		}
		tasks = append(tasks, tool("storage:exists"+mark, `{"connection": "masters", "files": ["a"]}`))
	}
	report := w.run(t.Context(), t, t.TempDir(), strings.Join(tasks, ","), nil)
	if report.Status != rolecall.Completed || w.assumed.Load() != 1 {
		t.Errorf("%s after %d sessions", report.StatusText, w.assumed.Load())
	}
	asked := map[string]int{}
	for _, e := range w.server.Trail() {
		asked[e.Service+":"+e.Operation]++
	}
	if asked["s3:HeadBucket"] != 1 || asked["sts:AssumeRole"] > 17 || asked["sts:GetCallerIdentity"] != 1 { // a proof's 16 and one
		t.Errorf("requests: %v", asked)
	}
}

// Nothing that a report, an event or an error says holds a key or a token.
func TestNothingTellsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a": media(1, 10)})
	var said bytes.Buffer
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"connection": "masters", "path": "a"}`)+","+
		tool("storage:put", `{"location": "s3://{keys}@globex-delivery/a"}`)+","+
		tool("storage:get", `{"location": "s3://{keys}@globex-delivery/b"}`), func(e job.Event) { fmt.Fprintf(&said, "%+v %s\n", e, e.Progress.Policy) })
	if report.Tasks[1].Status != rolecall.Completed || report.Tasks[2].Status != rolecall.Failed {
		t.Fatal(show(report))
	}
	text := said.String() + show(report)
	for _, secret := range []string{"globex-secret", "AKIAGLOBEX", "production-secret", "production-token", "acme-42"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is told in %s", secret, text)
		}
	}
}
