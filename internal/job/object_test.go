package job_test

import (
	"fmt"
	"strings"
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
			message, _, _ := strings.Cut(e.Message, "; ") // behind it, how many are fetched
			got := rolecall.Error{Code: e.Code, Pointer: e.Pointer, Message: message}
			want := rolecall.Error{Code: rolecall.NotFound, Pointer: tc.pointer, Message: `there is no object "s3://acme-masters/in/c.mov"`}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What cannot become a file, is archived or may not be read is left out, and all
// of it is named at the end, when the rest is done. What exclude names is not
// even asked for.
func TestTheWorstObjectsDoNotDecide(t *testing.T) {
	t.Parallel()
	const many = 1500 // more than a page of a listing
	w := newWorld(t, "")
	objects := map[string][]byte{"in/bad/..": media(1, 10), "in/bad//x": media(1, 10), "in/zz/": media(1, 10)}
	for i := range many {
		objects[fmt.Sprintf("in/%04d", i)] = media(byte(i), 10)
	}
	w.put(t, "acme-masters", objects)
	w.put(t, "acme-archive", map[string][]byte{"closed/a": media(1, 10), "closed/b": media(1, 10), "open/a": media(1, 10), "open/b": media(2, 10)})
	archive := `"location": "s3://acme-archive/", "role_arn": "arn:aws:iam::111122223333:role/media"`
	for name, tc := range map[string]struct {
		tasks string
		files int
		named []string
	}{
		"no files":           {tool("storage:get", `{"connection": "masters", "files": ["**"]}`), many, []string{"in/bad/..", "in/bad//x", "in/zz/"}},
		"no files, excluded": {tool("storage:get", `{"connection": "masters", "files": ["**"], "exclude": ["bad/..", "bad//x", "zz/", "00*"]}`), many - 100, nil},
		"denied":             {tool("storage:get", `{`+archive+`, "files": ["**"]}`), 2, []string{"closed/a", "closed/b"}},
		"denied, by name":    {tool("storage:get", `{`+archive+`, "files": ["closed/a", "closed/b", "open/a"]}`), 1, []string{"closed/a", "closed/b"}},
		"denied, excluded":   {tool("storage:get", `{`+archive+`, "files": ["**"], "exclude": ["closed/*"]}`), 2, nil},
		"copied": {
			tool("storage:copy", `{"source": {`+archive+`}, "destination": {"connection": "delivery"}, "files": ["**"]}`), 2, []string{"closed/a", "closed/b"},
		},
		"copied, excluded": {
			tool("storage:copy", `{"source": {`+archive+`}, "destination": {"connection": "delivery", "path": "x/"}, "files": ["**"], "exclude": ["closed/*"]}`), 2, nil,
		},
		"exists": {tool("storage:exists", `{`+archive+`, "files": ["*/a"], "exclude": ["closed/*"]}`), 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := w.run(t.Context(), t, t.TempDir(), tc.tasks, nil)
			want := rolecall.Completed
			if len(tc.named) > 0 {
				want = rolecall.Failed
			}
			if report.Status != want || report.Tasks[0].Files != tc.files {
				t.Errorf("%d files\n%s", report.Tasks[0].Files, show(report))
			}
			skipped := map[string]bool{}
			for _, n := range report.Tasks[0].Notes {
				if n.Kind == rolecall.Skipped {
					skipped[n.Key] = true
				}
			}
			if len(report.Errors) != len(tc.named) || len(skipped) != len(tc.named) {
				t.Errorf("notes of %v\n%s", skipped, show(report))
			}
			for i, key := range tc.named {
				if !skipped[key] || !strings.Contains(report.Errors[i].Message, key) || !strings.Contains(report.Errors[i].Hint, "to leave it out") {
					t.Errorf("%q is not named: %s", key, show(report))
				}
			}
		})
	}
}

// Archived objects are all named, as each restore takes hours.
func TestArchivedObjectsAreAllNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "  - {service: s3, operation: GetObject, bucket: acme-glacier, error: InvalidObjectState}\n")
	w.put(t, "acme-glacier", map[string][]byte{"a": media(1, 10), "b": media(2, 10), "c": media(3, 10)})
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"location": "s3://acme-glacier/", "role_arn": "arn:aws:iam::111122223333:role/media", "files": ["*"]}`), nil)
	if report.Status != rolecall.Failed || len(report.Errors) != 3 {
		t.Error(show(report))
	}
}

// A role that may read nothing is refused some objects, not all of a million.
func TestRefusedPlacesEnd(t *testing.T) {
	t.Parallel()
	const many = 3000
	w := newWorld(t, "")
	objects := map[string][]byte{}
	for i := range many {
		objects[fmt.Sprintf("closed/%04d", i)] = nil
	}
	w.put(t, "acme-archive", objects)
	before := len(w.server.Trail())
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"location": "s3://acme-archive/closed/", "role_arn": "arn:aws:iam::111122223333:role/media", "files": ["*"]}`), nil)
	if asked := len(w.server.Trail()) - before; report.Status != rolecall.Failed || asked > many/2 ||
		!strings.Contains(report.Errors[len(report.Errors)-1].Message, "(and 980 more like it); the first 1000 of ") || !strings.HasSuffix(report.Errors[len(report.Errors)-1].Message, " were all refused, and no others were tried") {
		t.Errorf("%d requests\n%s", asked, show(report))
	}
}
