package task

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

func TestLocalName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 255)
	for _, tc := range []struct {
		base, prefix, key string
		want, refused     string
	}{
		{"", "in/", "in/a.mov", "a.mov", ""},
		{"", "", "a.mov", "a.mov", ""},
		{"work", "in/", "in/sub/a.mov", "work/sub/a.mov", ""},
		{"", "in/", `in/a\..\b`, `a\..\b`, ""},
		{"", "in/", "in/..a", "..a", ""},
		{"", "in/", "in/ ", " ", ""},
		{"", "", "a/" + long, "a/" + long, ""},
		{"", "", strings.Repeat(strings.Repeat("d", 63)+"/", 16)[:1023] + "x", strings.Repeat(strings.Repeat("d", 63)+"/", 16)[:1023] + "x", ""},
		{"", "in/", "out/a", "", "not below"},
		{"", "in/", "in/", "", "nothing of its key"},
		{"", "", "", "", "nothing of its key"},
		{"", "", "../../etc/passwd", "", "a part .."},
		{"", "in/", "in/../../etc/passwd", "", "a part .."},
		{"", "", "a/../../b", "", "a part .."},
		{"", "", "a/./b", "", "a part ."},
		{"", "", "a//b", "", "an empty part"},
		{"", "", "/x", "", "absolute"},
		{"", "", "//x", "", "absolute"},
		{"", "in/", "in//x", "", "absolute"},
		{"", "", "a\x00b", "", "NUL"},
		{"", "", "a\xff", "", "UTF-8"},
		{"", "", "dir/", "", "slash"},
		{"", "", strings.Repeat("n", 1024), "", "longer than 255"},
		{"", "", "a/.rolecall-17.part", "", "reserved"},
		{"", "in/", "in/.Rolecall/x.journal", "", "rolecall's own"},
		{"", "", ".rolecall", "", "rolecall's own"},
		{".rolecall", "", "x", "", "rolecall's own"},
		{"", "", "a/.rolecall/x", "a/.rolecall/x", ""},
		{"w", "", ".rolecall/x", "w/.rolecall/x", ""},
	} {
		got, err := localName(tc.base, tc.prefix, tc.key)
		switch {
		case tc.refused == "" && (err != nil || got != tc.want):
			t.Errorf("localName(%q, %q, %q) = %q, %v; want %q", tc.base, tc.prefix, tc.key, got, err, tc.want)
		case tc.refused != "" && (err == nil || !strings.Contains(err.Error(), tc.refused) || rolecall.CodeOf(err) != rolecall.Invalid):
			t.Errorf("localName(%q, %q, %q) = %q, %v; want a refusal with %q", tc.base, tc.prefix, tc.key, got, err, tc.refused)
		}
	}
}

func TestObjectName(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"in/a.mov": "w/a.mov", "a.mov": "w/a.mov", "in/..": "", "..": "", "/": "", "x//a": "w/a"} {
		got, err := objectName("w", key)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("objectName(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
}

// However names lie between a file and what is below it, it is found that they
// cannot stand together.
func TestTree(t *testing.T) {
	t.Parallel()
	faults := func(names ...string) error {
		var files tree
		var found faultList
		for _, name := range names {
			if err := files.add(piece{transfer.Object{Key: "in/" + name}, name}); err != nil {
				found.add("", err)
			}
		}
		return found.err()
	}
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{[]string{"a", "a.b/c", "ab", "b"}, ""},
		{[]string{"a", "a/b"}, `"in/a" and "in/a/b"`},
		{[]string{"a", "a-b", "a/b/c"}, `"in/a" and "in/a/b/c"`},
		{[]string{"a/b", "a/b/c/d", "a/bb"}, `"in/a/b" and "in/a/b/c/d"`},
	} {
		err := faults(tc.names...)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v; want %q", tc.names, err, tc.want)
		}
	}
	part := rapid.SampledFrom([]string{"a", "b", "a-", "a0", "ab"})
	name := rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []string) string { return strings.Join(parts, "/") })
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(name, 0, 10, rapid.ID[string]).Draw(t, "names")
		slices.Sort(names)
		below := slices.ContainsFunc(names, func(n string) bool {
			return slices.ContainsFunc(names, func(file string) bool { return strings.HasPrefix(n, file+"/") })
		})
		if err := faults(names...); (err != nil) != below {
			t.Fatalf("%q: %v", names, err)
		}
	})
}

// inside writes a file as a get would, and fails the test if anything but
// that one file appears, inside or outside of the directory.
func inside(t interface {
	Helper()
	Fatalf(string, ...any)
}, outer, name string,
) {
	t.Helper()
	work := filepath.Join(outer, "work")
	root, err := os.OpenRoot(work)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		t.Fatalf("make the directory of %q: %v", name, err)
	}
	if err := root.WriteFile(name, nil, 0o600); err != nil {
		t.Fatalf("write %q: %v", name, err)
	}
	want := filepath.Join(work, filepath.FromSlash(name))
	_ = filepath.WalkDir(outer, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && p != want {
			t.Fatalf("%q wrote %q (%v), not %q", name, p, err, want)
		}
		return nil
	})
	top, _, _ := strings.Cut(name, "/")
	if err := root.RemoveAll(top); err != nil {
		t.Fatalf("%v", err)
	}
}

func FuzzLocalName(f *testing.F) {
	for _, key := range []string{"a", "../../etc/passwd", "a/../../b", "/x", "//x", "in/", "in/a/b", "a\x00b", `a\b`, "in/.", strings.Repeat("k", 1024)} {
		f.Add("in/", key)
		f.Add("", key)
	}
	outer := f.TempDir()
	if err := os.Mkdir(filepath.Join(outer, "work"), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, prefix, key string) {
		if len(key) > 1024 {
			return
		}
		name, err := localName("base", prefix, key)
		if err != nil {
			return
		}
		if !filepath.IsLocal(name) || name != path.Clean(name) || !strings.HasPrefix(name, "base/") || prefix+strings.TrimPrefix(name, "base/") != key {
			t.Fatalf("localName(%q, %q) = %q", prefix, key, name)
		}
		inside(t, outer, name)
	})
}

func TestLocalNameIsInjective(t *testing.T) {
	t.Parallel()
	parts := rapid.SampledFrom([]string{"a", "b", ".", "..", "", "/", "//", "\x00", `\`, "in/", "é"})
	rapid.Check(t, func(t *rapid.T) {
		key := func(label string) string { return strings.Join(rapid.SliceOfN(parts, 0, 6).Draw(t, label), "") }
		k1, k2 := key("k1"), key("k2")
		n1, err1 := localName("", "", k1)
		n2, err2 := localName("", "", k2)
		if err1 == nil && err2 == nil && (n1 == n2) != (k1 == k2) {
			t.Fatalf("%q and %q become %q and %q", k1, k2, n1, n2)
		}
	})
}
