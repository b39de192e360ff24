package task

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
)

// newDir makes a working directory: names that end in a slash are
// directories, "name -> target" links, "name |" pipes.
func newDir(t *testing.T, names ...string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		name, target, link := strings.Cut(name, " -> ")
		name, _, pipe := strings.Cut(name, " |")
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, path)
		case pipe:
			err = syscall.Mkfifo(path, 0o600)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o700)
		default:
			err = os.WriteFile(path, []byte(name), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func TestFilesToDeliver(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 250)
	for _, tc := range []struct {
		name    string
		have    []string
		base    string
		key     string
		files   []string
		want    []string // name=key
		code    rolecall.Code
		refused string
	}{
		{
			name: "patterns", have: []string{"a.mp4", "b.mov", "sub/c.mp4", "sub/deep/d.mp4"}, key: "out/", files: []string{"*.mp4", "sub/**"},
			want: []string{"a.mp4=out/a.mp4", "sub/c.mp4=out/sub/c.mp4", "sub/deep/d.mp4=out/sub/deep/d.mp4"},
		},
		{
			name: "below base_dir", have: []string{"x.mp4", "done/a.mp4", "done/s/b.mp4"}, base: "done", key: "out/", files: []string{"**/*.mp4"},
			want: []string{"done/a.mp4=out/a.mp4", "done/s/b.mp4=out/s/b.mp4"},
		},
		{name: "one object", have: []string{"done/a.mp4"}, base: "done", key: "out/a.mp4", want: []string{"done/a.mp4=out/a.mp4"}},
		{name: "unfinished files are not there", have: []string{"a", ".rolecall-abc.part"}, files: []string{"**"}, want: []string{"a=a"}},
		{name: "rolecall's own are not there", have: []string{"a", ".rolecall/j", ".Rolecall", "b/.rolecall/c"}, files: []string{"**"}, want: []string{"a=a", "b/.rolecall/c=b/.rolecall/c"}},
		{name: "what is rolecall's own is not one object", have: []string{".rolecall/j"}, key: "out/.rolecall", code: rolecall.Invalid, refused: "rolecall's own"},
		{name: "what does not match may be anything", have: []string{"a.mp4", "l -> /etc/passwd", "p |"}, files: []string{"*.mp4"}, want: []string{"a.mp4=a.mp4"}},
		{
			name: "nothing matches", have: []string{"a.mov"}, files: []string{"*.mov", "*.mp4", "b.mov"}, code: rolecall.NotFound, want: []string{"a.mov=a.mov"},
			refused: "/tasks/3/parameters/files/1: \"*.mp4\" matches nothing in the working directory\n/tasks/3/parameters/files/2: \"b.mov\" matches nothing in the working directory",
		},
		{
			name: "a link", have: []string{"a", "l -> a", "m -> /etc/passwd"}, files: []string{"*"}, code: rolecall.Invalid, want: []string{"a=a"},
			refused: "/tasks/3/parameters/files: \"l\" cannot be delivered: it is a symbolic link\n/tasks/3/parameters/files: \"m\" cannot be delivered: it is a symbolic link",
		},
		{name: "a linked directory", have: []string{"sub -> /etc"}, files: []string{"**"}, code: rolecall.Invalid, refused: "symbolic link"},
		{name: "nothing behind a linked directory", have: []string{"real/a", "sub -> real"}, files: []string{"sub/*"}, code: rolecall.NotFound, refused: "matches nothing"},
		{name: "a pipe", have: []string{"p |"}, files: []string{"p"}, code: rolecall.Invalid, refused: "a named pipe"},
		{
			name: "base_dir is a link", have: []string{"real/a", "l -> real"}, base: "l", files: []string{"*"}, code: rolecall.Invalid,
			refused: "/tasks/3/parameters/base_dir: \"l\" is a symbolic link, not a directory",
		},
		{name: "base_dir is missing", base: "no", files: []string{"*"}, code: rolecall.NotFound, refused: "there is no \"no\" in the working directory"},
		{name: "one object, a link", have: []string{"l -> /etc/passwd"}, key: "out/l", code: rolecall.Invalid, refused: "/tasks/3/parameters: \"l\" cannot be delivered: it is a symbolic link"},
		{name: "one object, a directory", have: []string{"d/"}, key: "out/d", code: rolecall.Invalid, refused: "it is a directory"},
		{name: "one object, missing", key: "out/a", code: rolecall.NotFound, refused: "there is no \"a\""},
		{name: "a name that is not UTF-8", have: []string{"a\xff"}, files: []string{"*"}, code: rolecall.Invalid, refused: "not UTF-8"},
		{name: "a key that is too long", have: []string{strings.Join([]string{long, long, long, long, long}, "/")}, files: []string{"**"}, code: rolecall.Invalid, refused: "S3 takes 1024"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tools := New(&access.Access{}, Job{ID: "j", Dir: newDir(t, tc.have...)})
			s := &work{tools: tools, observe: func(Event) {}, step: rolecall.Step{
				Index: 3, Tool: rolecall.StoragePut, BaseDir: tc.base, Files: patterns(t, tc.files...), FilesPointer: "/tasks/3/parameters/files",
				Place: rolecall.Place{Pointer: "/tasks/3/parameters", Bucket: "b", Key: tc.key},
			}}
			found, err := s.files(t.Context())
			if err == nil {
				err = s.aside.err()
			}
			if rolecall.CodeOf(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.refused) {
				t.Fatalf("error %v (%s), want %s with %q", err, rolecall.CodeOf(err), tc.code, tc.refused)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.name+"="+f.key)
				if f.size != int64(len(f.name)) {
					t.Errorf("%q has size %d", f.name, f.size)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What cannot be read is named, with the reason.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	s := &work{step: rolecall.Step{FilesPointer: "/files"}}
	w := walk{work: s, sel: newSelection(patterns(t, "**"), nil, []string{""})}
	for reason, want := range map[error]string{
		syscall.EACCES: "invalid /files: \"a/b\" in the working directory cannot be read: permission denied",
		syscall.EMFILE: "unavailable /files: \"a/b\" in the working directory cannot be read: too many open files",
		syscall.ENOENT: "not_found /files: there is no \"a/b\" in the working directory",
	} {
		err := w.visit(t.Context())("a/b", nil, &fs.PathError{Op: "open", Path: "b", Err: reason})
		if e := rolecall.List(err); len(e) != 1 || string(e[0].Code)+" "+e[0].Pointer+": "+e[0].Message != want {
			t.Errorf("%v: %v", reason, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.visit(ended)("a/b", nil, syscall.EACCES); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}
