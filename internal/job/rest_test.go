package job_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// Whatever is wrong with some of what a task names, in whichever tool: all of it is
// named, the rest is done, and the answer is the same every time.
func TestTheRestIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a": media(1, 10), "in/b": media(2, 10), "in/s/c": media(3, 10)})
	w.put(t, "acme-archive", map[string][]byte{"closed/a": media(1, 10), "open/a": media(1, 10), "open/b*": media(2, 10)})
	w.put(t, "globex-delivery", map[string][]byte{"out/taken/a": media(9, 10), "out/taken/s/c": media(9, 10), "out/again/b": media(2, 10)})
	role := `"role_arn": "arn:aws:iam::111122223333:role/media"`
	named := `"files": ["no1", "a", "no2", "zz*.x", "s/c", "s/y*"]`
	fetch := tool("storage:get", `{"connection": "masters", "files": ["**"]}`) + ","
	remove, exclude := "You: remove it from files to leave it out", "You: name it in exclude to leave it out"
	for name, tc := range map[string]struct {
		tasks string
		files int               // done by the last task
		named map[string]string // what the messages name, and the ends of their hints
		left  func(t *testing.T, dir string)
	}{
		"get": {
			tasks: tool("storage:get", `{"connection": "masters", `+named+`}`), files: 2,
			named: map[string]string{`masters/in/no1"`: remove, `masters/in/no2"`: remove, `"zz*.x" matches nothing`: remove, `"s/y*" matches nothing`: remove},
		},
		"copy": {
			tasks: tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "cp/"}, `+named+`}`), files: 2,
			named: map[string]string{`masters/in/no1"`: remove, `masters/in/no2"`: remove, `"zz*.x" matches nothing`: remove, `"s/y*" matches nothing`: remove},
		},
		"put": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "put/", `+named+`}`), files: 2,
			named: map[string]string{`"no1" matches nothing`: remove, `"no2" matches nothing`: remove, `"zz*.x" matches nothing`: remove, `"s/y*" matches nothing`: remove},
		},
		"tag": {
			tasks: tool("storage:tag_s3", `{"location": "s3://acme-masters/in/", `+role+`, "tags": {"a": "b"}, `+named+`}`), files: 2,
			named: map[string]string{`masters/in/no1"`: remove, `masters/in/no2"`: remove, `"zz*.x" matches nothing`: remove, `"s/y*" matches nothing`: remove},
		},
		"tag by name": {
			tasks: tool("storage:tag_s3", `{"location": "s3://acme-masters/in/", `+role+`, "tags": {"a": "b"}, "files": ["no1", "no2", "a"]}`), files: 1,
			named: map[string]string{`masters/in/no1"`: remove, `masters/in/no2"`: remove},
		},
		"exists": {
			tasks: tool("storage:exists", `{"connection": "masters", `+named+`}`), files: 2,
			named: map[string]string{`masters/in/no1"`: "", `masters/in/no2"`: "", `"zz*.x" matches nothing`: "", `"s/y*" matches nothing`: ""},
		},
		"put links and pipes": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "links/", "files": ["**"]}`), files: 3,
			named: map[string]string{`"link" cannot be delivered`: exclude, `"pipe" cannot be delivered`: exclude, `"s/link*"`: `You: name it in exclude as "s/link\\*" to leave it out`},
			left:  leaveLinks,
		},
		"put a named link": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "link/", "files": ["link", "a"]}`), files: 1,
			named: map[string]string{`"link" cannot be delivered`: remove}, left: leaveLinks,
		},
		"put a link that is named and matched": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "both/", "files": ["link", "?"]}`), files: 2,
			named: map[string]string{`"link" cannot be delivered`: remove}, left: leaveLinks,
		},
		"put what is in the way": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "taken/", "files": ["**"]}`), files: 1,
			named: map[string]string{`out/taken/a" exists already`: exclude, `out/taken/s/c" exists already`: exclude},
		},
		"put what is there": {
			tasks: fetch + tool("storage:put", `{"connection": "delivery", "path": "again/", "files": ["**", "no"]}`), files: 3,
			named: map[string]string{`"no" matches nothing`: remove},
		},
		"copy what is in the way": {
			tasks: tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "taken/"}, "files": ["a", "s/*"]}`), files: 0,
			named: map[string]string{`out/taken/a" exists already`: remove, `out/taken/s/c" exists already`: exclude},
		},
		"get over links": {
			tasks: tool("storage:get", `{"connection": "masters", "base_dir": "x", "files": ["a", "?", "s/c"]}`), files: 1,
			named: map[string]string{`masters/in/a"`: "You: remove it from files and name it in exclude to leave it out", `masters/in/b"`: exclude},
			left: func(t *testing.T, dir string) {
				for _, name := range []string{"x/a", "x/b"} {
					link(t, dir, name)
				}
			},
		},
		"get one object over a link": {
			tasks: tool("storage:get", `{"connection": "masters", "path": "a"}`), named: map[string]string{`masters/in/a"`: "none is replaced"},
			left: func(t *testing.T, dir string) { link(t, dir, "a") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.left != nil {
				tc.left(t, dir)
			}
			report := w.run(t.Context(), t, dir, tc.tasks, nil)
			last := report.Tasks[len(report.Tasks)-1]
			if last.Status != rolecall.Failed || last.Files != tc.files || len(last.Errors) != len(tc.named) {
				t.Errorf("%d files\n%s", last.Files, show(report))
			}
			for what, hint := range tc.named {
				found := false
				for _, e := range last.Errors {
					found = found || strings.Contains(e.Message, what) && strings.HasSuffix(e.Hint, hint) && (hint != "" || !strings.Contains(e.Hint, "leave it out"))
				}
				if !found {
					t.Errorf("%s is not named, with the hint %q: %s", what, hint, show(report))
				}
			}
		})
	}
}

func link(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Symlink("/etc/passwd", path)); err != nil {
		t.Fatal(err)
	}
}

func leaveLinks(t *testing.T, dir string) {
	t.Helper()
	link(t, dir, "link")
	link(t, dir, "s/link*")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An object is left out by its name alone, whatever is in it, and what exclude has
// in vain is noted.
func TestExclusionsAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/u/a*b": media(1, 10), "in/u/aXb": media(2, 10), "in/u/a b": media(3, 10), `in/u/a\*b`: media(4, 10)})
	masters := `"source": {"connection": "masters", "path": "u/"}, "destination": {"connection": "delivery", "path": "%s/"}`
	for name, tc := range map[string]struct {
		tasks  string
		files  int
		unused []string
	}{
		"exact":   {tool("storage:get", `{"connection": "masters", "files": ["**"], "exclude": ["u/a\\*b"]}`), 3, nil},
		"pattern": {tool("storage:get", `{"connection": "masters", "files": ["**"], "exclude": ["u/a*b"]}`), 0, nil},
		"in vain": {
			tool("storage:get", `{"connection": "masters", "files": ["**"], "exclude": ["/u/A", "A/", "!A", ".", "u/a\\*b", "u/?\\**", "?", "A/"]}`), 3,
			[]string{"/u/A", "A/", "!A", ".", "?"},
		},
		"copy": {tool("storage:copy", `{`+fmt.Sprintf(masters, "exact")+`, "files": ["*"], "exclude": ["a\\\\\\*b", "b"]}`), 3, []string{"b"}},
		"exists": {
			tool("storage:exists", `{"connection": "masters", "files": ["u/a*", "u/zz"], "exclude": ["u/aXb", "u/aYb", "x", "y/*", "u/*X*", "x"]}`), 1,
			[]string{"u/aYb", "x", "y/*"},
		},
		"put": {
			tool("storage:get", `{"connection": "masters", "files": ["**"]}`) + "," +
				tool("storage:put", `{"connection": "delivery", "files": ["u/a*"], "exclude": ["u/a b", "x"]}`), 3, []string{"x"},
		},
		"tag": {
			tool("storage:tag_s3", `{"location": "s3://acme-masters/in/u/", "role_arn": "arn:aws:iam::111122223333:role/media", "tags": {"a": "b"}, "files": ["aXb"], "exclude": ["a b"]}`), 1,
			[]string{"a b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := w.run(t.Context(), t, t.TempDir(), tc.tasks, nil)
			last := report.Tasks[len(report.Tasks)-1]
			var unused []string
			for _, n := range last.Notes {
				if n.Kind == rolecall.Unused {
					unused = append(unused, n.Key)
				}
			}
			if diff := cmp.Diff(tc.unused, unused); diff != "" || last.Files != tc.files {
				t.Errorf("%s%s", diff, show(report))
			}
		})
	}
}

// The same answer every time: a place that refuses its first thousand objects is
// asked for no others, and one that refuses fewer gives the rest.
func TestRefusalsAreNoMatterOfTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	objects := map[string][]byte{"z": media(1, 10)}
	for i := range 100 {
		objects[fmt.Sprintf("closed/%03d", i)] = media(byte(i), 10)
	}
	w.put(t, "acme-archive", objects)
	for range 3 {
		report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"location": "s3://acme-archive/", "role_arn": "arn:aws:iam::111122223333:role/media", "files": ["**"]}`), nil)
		if report.Tasks[0].Files != 1 || len(report.Errors) != 20 || !strings.Contains(report.Errors[0].Message, "closed/000") || !strings.Contains(report.Errors[19].Message, "(and 80 more like it); 1 of 101 files are fetched") {
			t.Fatal(show(report))
		}
	}
}

// Where exclude leaves out all that a pattern matches, the hint is about exclude;
// where there is nothing anyway, it is not.
func TestAllIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/u/a.mov": media(1, 10), "in/u/b.mov": media(2, 10)})
	fetched := tool("storage:get", `{"connection": "masters", "files": ["**"]}`) + ","
	for _, files := range []string{`["u/*.mov"], "exclude": ["**"]`, `["u/*"], "exclude": ["u/a.mov", "u/b.mov"]`, `["**"], "exclude": ["u/"]`, `["u/*.mxf"], "exclude": ["u/a.mov"]`} {
		for name, tasks := range map[string]string{
			"get":    tool("storage:get", `{"connection": "masters", "files": `+files+`}`),
			"copy":   tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "x/"}, "files": `+files+`}`),
			"exists": tool("storage:exists", `{"connection": "masters", "files": `+files+`}`),
			"put":    fetched + tool("storage:put", `{"connection": "delivery", "path": "x/", "files": `+files+`}`),
		} {
			report := w.run(t.Context(), t, t.TempDir(), tasks, nil)
			message, hint := "but what exclude leaves out", "You: remove from exclude what leaves out all that it matches, or remove it from files"
			if strings.Contains(files, "mxf") {
				message, hint = "matches nothing in", "You: write patterns relative to the place; upper and lower case differ"
			}
			if e := report.Errors; len(e) != 1 || !strings.Contains(e[0].Message, message) || e[0].Hint != hint {
				t.Errorf("%s of %s: %s", name, files, show(report))
			}
		}
	}
}
