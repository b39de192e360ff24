package job_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
)

// The main job: from one customer's account to another's, each with its role.
func TestFetchAndDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	have := map[string][]byte{"in/big.mov": media(1, 40<<20), "in/empty": {}, "in/dir/": {}, "outside.mov": media(9, 10)}
	want := map[string][]byte{"out/big.mov": have["in/big.mov"], "out/empty": {}}
	for i := range 50 {
		name := fmt.Sprintf("stills/%03d ü+%%.jpg", i)
		have["in/"+name] = media(byte(i), 1000+i)
		want["out/"+name] = have["in/"+name]
	}
	w.put(t, "acme-masters", have)
	dir := t.TempDir()
	var seen events
	report := w.run(t.Context(), t, dir,
		tool("storage:get", `{"connection": "masters", "files": ["**"], "base_dir": "media"}`)+","+
			tool("storage:put", `{"connection": "delivery", "files": ["*", "stills/*.jpg"], "base_dir": "media"}`), seen.add)
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 52 || report.Tasks[1].Files != 52 || report.Tasks[0].Bytes != report.Tasks[1].Bytes {
		t.Fatal(show(report))
	}
	if diff := cmp.Diff(want, w.objects(t, "globex-delivery"), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Error(diff)
	}
	if open := w.uploads(t, "globex-delivery"); len(open) > 0 {
		t.Errorf("multipart uploads are open: %v", open)
	}

	var planned, moved [2]int64
	var roles, skipped []string
	for _, e := range seen.all {
		switch e.Progress.Kind {
		case task.Authorized:
			roles = append(roles, e.Progress.Role)
			if e.Progress.Session != "acme."+report.ID || len(e.Progress.Policy) == 0 {
				t.Errorf("%+v", e)
			}
		case task.Planned:
			planned[e.Task] = e.Progress.Bytes
		case task.Moved:
			moved[e.Task] += e.Progress.Bytes
		case task.Skipped:
			skipped = append(skipped, e.Progress.Name)
		}
	}
	if planned != moved || planned[0] != report.Tasks[0].Bytes {
		t.Errorf("planned %v, moved %v", planned, moved)
	}
	if diff := cmp.Diff([]string{"arn:aws:iam::111122223333:role/media", "arn:aws:iam::222233334444:role/delivery"}, roles); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"in/dir/"}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestCopyGoesFromAccountToAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	have := map[string][]byte{"in/a.mov": media(1, 20<<20), "in/s/b.mov": media(2, 100), "in/c.txt": media(3, 10)}
	w.put(t, "acme-masters", have)
	dir := t.TempDir()
	copied := tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "x/"}, "files": ["**/*.mov"]}`)
	one := tool("storage:copy", `{"source": {"connection": "masters", "path": "c.txt"}, "destination": {"connection": "delivery", "path": "one.txt"}}`)
	report := w.run(t.Context(), t, dir, copied+","+one, nil)
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 2 {
		t.Fatal(show(report))
	}
	want := map[string][]byte{"out/x/a.mov": have["in/a.mov"], "out/x/s/b.mov": have["in/s/b.mov"], "out/one.txt": have["in/c.txt"]}
	if diff := cmp.Diff(want, w.objects(t, "globex-delivery"), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Error(diff)
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("a copy touched the disk: %q", keysOf(left))
	}
	// Another job is done where the bytes are the same; else it would overwrite, and
	// must not.
	again := w.run(t.Context(), t, dir, one, nil)
	if notes := again.Tasks[0].Notes; again.Status != rolecall.Completed || len(notes) != 1 || notes[0].Kind != rolecall.AlreadyDelivered {
		t.Error(show(again))
	}
	w.put(t, "acme-masters", map[string][]byte{"in/c.txt": media(4, 10)})
	again = w.run(t.Context(), t, dir, one, nil)
	if again.Status != rolecall.Failed || again.Errors[0].Code != rolecall.Conflict || again.Errors[0].Pointer != "/tasks/0/parameters/destination" {
		t.Error(show(again))
	}
}

// Consoles leave empty objects for directories. That of the place itself is
// not the other place's.
func TestCopyTakesMarkersOfDirectories(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/": {}, "in/a": media(1, 10), "in/dir/": {}, "in/dir/sub/": {}})
	dir := t.TempDir()
	var seen events
	report := w.run(t.Context(), t, dir, tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "x/"}, "files": ["**"]}`)+
		","+tool("storage:get", `{"connection": "masters", "files": ["**"]}`), seen.add)
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 3 || report.Tasks[1].Files != 1 {
		t.Fatal(show(report))
	}
	want := map[string][]byte{"out/x/a": media(1, 10), "out/x/dir/": {}, "out/x/dir/sub/": {}}
	if diff := cmp.Diff(want, w.objects(t, "globex-delivery"), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]byte{"a": media(1, 10)}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	skipped := map[int][]string{}
	for _, e := range seen.all {
		if e.Progress.Kind == task.Skipped {
			skipped[e.Task] = append(skipped[e.Task], e.Progress.Name)
		}
	}
	if diff := cmp.Diff(map[int][]string{0: {"in/"}, 1: {"in/", "in/dir/", "in/dir/sub/"}}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsAndTenantEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "globex-delivery", map[string][]byte{"in/a": media(1, 10)})
	dir := t.TempDir()
	report := w.run(t.Context(), t, dir, tool("storage:get", `{"location": "s3://{keys}@globex-delivery/in/a", "s3_endpoint_url": "`+w.server.URL+`"}`), nil)
	if report.Status != rolecall.Completed {
		t.Fatal(show(report))
	}
	if got := tree(t, dir); !bytes.Equal(got["a"], media(1, 10)) {
		t.Errorf("%q", keysOf(got))
	}
}

func TestTasksAreSafeToRunTwice(t *testing.T) {
	t.Parallel()
	// The first answer to the upload is lost, so the try after it finds its own object.
	w := newWorld(t, "  - {service: s3, operation: PutObject, bucket: globex-delivery, cut_response_after: 0, times: 1}\n")
	w.put(t, "acme-masters", map[string][]byte{"in/a": media(1, 10)})
	report := w.run(t.Context(), t, t.TempDir(),
		tool("storage:get", `{"connection": "masters", "path": "a"}`)+","+tool("storage:put", `{"connection": "delivery", "path": "a"}`), nil)
	if report.Status != rolecall.Completed {
		t.Error(show(report))
	}
}

func TestRetriesOfATask(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "  - {service: sts, operation: AssumeRole, error: unavailable, times: 3}\n")
	w.put(t, "acme-masters", map[string][]byte{"in/a": media(1, 10)})
	var seen events
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"connection": "masters", "path": "a"}`, `, "retries": 2`), seen.add)
	if report.Status != rolecall.Completed {
		t.Error(show(report))
	}
	var retries int
	for _, e := range seen.all {
		if e.Kind == job.Retrying {
			retries++
			if e.Errors[0].Code != rolecall.Unavailable {
				t.Errorf("retries for %v", e.Errors)
			}
		}
	}
	if retries == 0 {
		t.Error("no retry is told of")
	}
}

// A try that ran out of time leaves what it has done to the next one. On a slow
// machine there are more of them.
func TestRetriesGoOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ bucket, operation, parameters string }{
		"get":  {"acme-masters", "GetObject", `{"connection": "masters", "files": ["*"]}`},
		"put":  {"globex-delivery", "PutObject", `{"connection": "delivery", "files": ["*"]}`},
		"copy": {"globex-delivery", "PutObject", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["*"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fmt.Sprintf("  - {service: s3, bucket: %s, operation: %s, after: 2, times: 1, delay: 1h}\n", tc.bucket, tc.operation))
			dir := t.TempDir()
			for i := range 5 {
				file := fmt.Sprintf("%d", i)
				write(t, dir, file, media(byte(i), 10))
				w.put(t, "acme-masters", map[string][]byte{"in/" + file: media(byte(i), 10)})
			}
			tries := 0
			report := w.run(t.Context(), t, dir, tool("storage:"+name, tc.parameters, `, "retries": 9, "timeout_seconds": 4`), func(e job.Event) {
				if e.Kind == job.Started {
					tries++
				}
			})
			if report.Status != rolecall.Completed || report.Tasks[0].Files != 5 || report.Tasks[0].Bytes != 50 {
				t.Error(show(report))
			}
			requests := 0
			for _, e := range w.server.Trail() {
				if e.Operation == tc.operation && e.Region == map[string]string{"acme-masters": "eu-central-1", "globex-delivery": "us-east-1"}[tc.bucket] {
					requests++
				}
			}
			if tries == 2 && requests > 6 {
				t.Errorf("%d requests for 5 files, of which one had to be tried twice", requests)
			}
		})
	}
}

// What the first pages of a listing name is moved while the next ones are
// listed, once something is found for each pattern.
func TestListingOverlapsMoving(t *testing.T) {
	t.Parallel()
	for tasks, want := range map[string]int{
		tool("storage:get", `{"connection": "masters", "files": ["*"]}`):      1000,
		tool("storage:get", `{"connection": "masters", "files": ["*", "z"]}`): 0,
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: s3, operation: ListObjectsV2, after: 1, delay: 1h}\n")
			objects := map[string][]byte{"in/z": nil}
			for i := range 1000 {
				objects[fmt.Sprintf("in/%04d", i)] = nil
			}
			w.put(t, "acme-masters", objects)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			planned, moved := 0, 0
			report := w.run(ctx, t, t.TempDir(), tasks, func(e job.Event) {
				switch e.Progress.Kind {
				case task.Planned:
					planned = e.Progress.Files
					if !e.Progress.More {
						t.Error("the listing has ended")
					}
				case task.FileDone:
					moved++
				}
				if planned == 1000 && moved == want {
					cancel()
				}
			})
			if report.Status != rolecall.Aborted || report.Tasks[0].Files != want {
				t.Error(show(report))
			}
		})
	}
}

// Objects of a later page that can have no name do not stop the task. All such are
// in its error, and so is that the rest is done.
func TestLaterFaultDoesNotStopMoving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	objects := map[string][]byte{"in/z//1": {1}, "in/z//2": {1}, "in/zz": nil}
	for i := range 1000 {
		objects[fmt.Sprintf("in/%04d", i)] = nil
	}
	w.put(t, "acme-masters", objects)
	dir := t.TempDir()
	report := w.run(t.Context(), t, dir, tool("storage:get", `{"connection": "masters", "files": ["**"]}`), nil)
	if report.Status != rolecall.Failed || len(report.Errors) != 2 || !strings.Contains(report.Errors[1].Message, "in/z//2") ||
		!strings.Contains(report.Errors[1].Message, "1001 of 1001 files are fetched") {
		t.Error(show(report))
	}
	if _, there := tree(t, dir)["zz"]; !there {
		t.Error("what is listed later was not fetched")
	}
}
