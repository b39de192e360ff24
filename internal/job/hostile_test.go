package job_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// Keys are chosen by whoever writes to the bucket. What cannot become a file
// below the working directory is left out, whatever else is done, and named.
func TestHostileKeysTouchNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	long := strings.Repeat("k", 1024-len("in/00/"))
	for name, tc := range map[string]struct {
		keys []string // below in/NAME/
		want string   // in the error
		also string   // file that one of them becomes
	}{
		"parent":    {[]string{"../../etc/passwd"}, `etc/passwd" cannot become a file: its key has a part ..`, ""},
		"inner":     {[]string{"a/../../b"}, "its key has a part ..", ""},
		"dot":       {[]string{"a/./b"}, "its key has a part .", ""},
		"absolute":  {[]string{"/x"}, "its name would be absolute", ""},
		"doubly":    {[]string{"//x"}, "its name would be absolute", ""},
		"hole":      {[]string{"a//b"}, "its key has an empty part", ""},
		"slash":     {[]string{"dir/="}, "its key ends in a slash", ""},
		"00":        {[]string{long}, "longer than 255 bytes", ""},
		"temporary": {[]string{".rolecall-x.part"}, "reserved", ""},
		"collision": {[]string{"a", "a/b"}, `collision/a" and "in/collision/a/b" cannot both become files`, "a"},
		"deep":      {[]string{"a/b/c", "a/b/c/d/e"}, "cannot both become files", "a/b/c"},
		"several":   {[]string{"../x", "../y"}, "several/../y", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := map[string][]byte{"in/" + name + "/good.mov": media(1, 10)}
			for _, key := range tc.keys {
				key, filled := strings.CutSuffix(key, "=")
				objects["in/"+name+"/"+key] = map[bool][]byte{false: {}, true: {1}}[filled || !strings.HasSuffix(key, "/")]
			}
			w.put(t, "acme-masters", objects)
			outer := t.TempDir()
			dir := filepath.Join(outer, "work")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			report := w.run(t.Context(), t, dir, tool("storage:get", `{"connection": "masters", "path": "`+name+`/", "files": ["**"], "base_dir": "media"}`), nil)
			if report.Status != rolecall.Failed || len(report.Errors) == 0 || !strings.Contains(report.Errors.Error(), tc.want) {
				t.Errorf("want %q in %s", tc.want, show(report))
			}
			for _, e := range report.Errors {
				if e.Code != rolecall.Invalid || e.Pointer != "/tasks/0/parameters/files" {
					t.Errorf("%+v", e)
				}
			}
			want := []string{"work/media/good.mov"}
			if tc.also != "" {
				want = []string{"work/media/" + tc.also, "work/media/good.mov"}
			}
			if wrote := keysOf(tree(t, outer)); !slices.Equal(wrote, want) {
				t.Errorf("it wrote %q", wrote)
			}
		})
	}
}

// A program of an earlier task may leave links to be written through or read.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/l": media(1, 10), "in/d/f": media(2, 10)})
	for name, tc := range map[string]struct {
		link  string
		tasks string
		code  rolecall.Code
	}{
		"fetch over a link":          {"l", tool("storage:get", `{"connection": "masters", "path": "l"}`), rolecall.Invalid},
		"fetch through a directory":  {"d", tool("storage:get", `{"connection": "masters", "files": ["d/*"]}`), rolecall.Invalid},
		"fetch below a linked base":  {"base", tool("storage:get", `{"connection": "masters", "path": "l", "base_dir": "base"}`), rolecall.Invalid},
		"deliver a link":             {"f", tool("storage:put", `{"connection": "delivery", "files": ["*"]}`), rolecall.Invalid},
		"deliver through a link":     {"base", tool("storage:put", `{"connection": "delivery", "files": ["*"], "base_dir": "base"}`), rolecall.Invalid},
		"deliver one file, a link":   {"f", tool("storage:put", `{"connection": "delivery", "path": "f"}`), rolecall.Invalid},
		"deliver below a linked dir": {"base", tool("storage:put", `{"connection": "delivery", "files": ["base/*"]}`), rolecall.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := t.TempDir()
			dir, secret := filepath.Join(outer, "work"), filepath.Join(outer, "secret")
			for _, d := range []string{dir, secret} {
				if err := os.Mkdir(d, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(secret, "key"), []byte("s3cr3t"), 0o600); err != nil {
				t.Fatal(err)
			}
			target := secret
			if tc.link == "l" || tc.link == "f" {
				target = filepath.Join(secret, "key")
			}
			if err := os.Symlink(target, filepath.Join(dir, tc.link)); err != nil {
				t.Fatal(err)
			}
			report := w.run(t.Context(), t, dir, tc.tasks, nil)
			if report.Status != rolecall.Failed || report.Errors[0].Code != tc.code {
				t.Error(show(report))
			}
			if got := keysOf(tree(t, secret)); !slices.Equal(got, []string{"key"}) || string(tree(t, secret)["key"]) != "s3cr3t" {
				t.Errorf("outside are %q", got)
			}
			if got := w.objects(t, "globex-delivery"); len(got) > 0 {
				t.Errorf("delivered %q", keysOf(got))
			}
		})
	}
}
