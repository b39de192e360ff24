package job_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// What is missing, matches nothing, is no regular file, or is in the way of a
// delivery does not keep the rest from being done, by any tool; all of it is named
// at the end, and the hint leaves it out.
func TestTheRestIsDone(t *testing.T) {
	t.Parallel()
	const media2 = `"role_arn": "arn:aws:iam::111122223333:role/media"`
	for name, tc := range map[string]struct {
		tasks string
		files int
		named []string
	}{
		"get":  {tool("storage:get", `{"connection": "masters", "files": ["noA", "f1", "noB", "zz*.x", "sub/f3"]}`), 2, []string{"in/noA", "in/noB", "zz*.x"}},
		"copy": {tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["noA", "f1", "noB", "zz*.x", "sub/*"]}`), 2, []string{"in/noA", "in/noB", "zz*.x"}},
		"tag":  {tool("storage:tag_s3", `{"location": "s3://acme-masters/in/", `+media2+`, "tags": {"a": "b"}, "files": ["noA", "f1", "noB", "zz*.x"]}`), 1, []string{"in/noA", "in/noB", "zz*.x"}},
		"put":  {tool("storage:put", `{"connection": "delivery", "files": ["a", "noA", "noB", "zz*.x"]}`), 1, []string{"noA", "noB", "zz*.x"}},
		"put links and pipes": {
			tool("storage:put", `{"connection": "delivery", "files": ["**"]}`), 2, []string{`"link"`, `"pipe"`},
		},
		"put into what is there": {tool("storage:put", `{"connection": "delivery", "path": "there/", "files": ["a", "b"]}`), 1, []string{"out/there/a"}},
		"copy into what is there": {
			tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "there/"}, "files": ["f1", "f2"]}`), 1, []string{"out/there/f1"},
		},
		"exists": {tool("storage:exists", `{"connection": "masters", "files": ["noA", "f1", "noB", "zz*.x"]}`), 1, []string{"in/noA", "in/noB", "zz*.x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			w.put(t, "acme-masters", map[string][]byte{"in/f1": media(1, 10), "in/f2": media(2, 10), "in/sub/f3": media(3, 10)})
			w.put(t, "globex-delivery", map[string][]byte{"out/there/a": media(9, 10), "out/there/f1": media(9, 10)})
			dir := t.TempDir()
			write(t, dir, "a", media(1, 10))
			write(t, dir, "b", media(2, 10))
			if strings.Contains(name, "links") {
				for _, link := range []string{"link", "pipe"} {
					if err := os.Symlink("/etc/hostname", filepath.Join(dir, link)); err != nil {
						t.Fatal(err)
					}
				}
			}
			report := w.run(t.Context(), t, dir, tc.tasks, nil)
			if report.Status != rolecall.Failed || report.Tasks[0].Files != tc.files || len(report.Errors) != len(tc.named) {
				t.Errorf("%d files: %s", report.Tasks[0].Files, show(report))
			}
			for _, named := range tc.named {
				if !slices.ContainsFunc(report.Errors, func(e *rolecall.Error) bool { return strings.Contains(e.Message, named) }) {
					t.Errorf("%q is not named: %s", named, show(report))
				}
			}
		})
	}
}
