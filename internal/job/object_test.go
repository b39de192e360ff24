package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// An object that is named and missing is not found, whatever is done with it,
// though S3 answers as if the session's policy were at fault.
func TestMissingObjectsAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": media(1, 10)})
	for name, tc := range map[string]struct{ tasks, pointer string }{
		"tag a file":    {tool("storage:tag_s3", `{"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/media", "tags": {"a": "b"}, "files": ["a.mov", "c.mov"]}`), "/tasks/0/parameters/files/1"},
		"tag an object": {tool("storage:tag_s3", `{"location": "s3://acme-masters/in/c.mov", "role_arn": "arn:aws:iam::111122223333:role/media", "tags": {"a": "b"}}`), "/tasks/0/parameters"},
		"get a file":    {tool("storage:get", `{"connection": "masters", "files": ["a.mov", "c.mov"]}`), "/tasks/0/parameters/files/1"},
		"get an object": {tool("storage:get", `{"connection": "masters", "path": "c.mov"}`), "/tasks/0/parameters"},
		"exists":        {tool("storage:exists", `{"connection": "masters", "files": ["a.mov", "c.mov"]}`), "/tasks/0/parameters/files/1"},
		"copy a file": {
			tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["a.mov", "c.mov"]}`),
			"/tasks/0/parameters/files/1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := w.run(t.Context(), t, t.TempDir(), tc.tasks, nil)
			if len(report.Errors) == 0 {
				t.Fatal(show(report))
			}
			e := report.Errors[0]
			got := rolecall.Error{Code: e.Code, Pointer: e.Pointer, Message: e.Message}
			want := rolecall.Error{Code: rolecall.NotFound, Pointer: tc.pointer, Message: `there is no object "s3://acme-masters/in/c.mov"`}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
