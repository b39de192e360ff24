package workdir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rolecall/rolecall/internal/workdir"
)

// newRoot returns a root with a file, a directory, and what a program could put
// in the way.
func newRoot(t *testing.T) *os.Root {
	t.Helper()
	outside := t.TempDir()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	if err := errors.Join(
		os.WriteFile(filepath.Join(outside, "file"), []byte("secret"), 0o600),
		root.Mkdir("real", 0o700), root.WriteFile("real/file", []byte("real"), 0o600),
		root.Symlink("file", "real/link"), root.Symlink("real", "dir"), root.Symlink(outside, "out"),
		syscall.Mkfifo(filepath.Join(root.Name(), "pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestOpen(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	file, info, err := workdir.Open(root, "real/file")
	if err != nil || info.Size() != 4 {
		t.Fatal(info, err)
	}
	file.Close()
	for _, name := range []string{"real/link", "dir/file", "out/file", "real", "pipe", "none", "../file", "/file", "", ".", "real/file/x", "real/../real/file", "real\x00"} {
		if _, _, err := workdir.Open(root, name); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for _, name := range []string{"x", "real/x", "new/dirs/x"} {
		at, base, err := workdir.Enter(root, name)
		if err != nil || base != "x" {
			t.Fatalf("%q: %q, %v", name, base, err)
		}
		file, err := at.Regular(base, os.O_WRONLY|os.O_CREATE)
		if err := errors.Join(err, file.Close(), at.Close()); err != nil {
			t.Error(err)
		}
		if info, err := root.Lstat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
	for _, name := range []string{"dir/x", "out/x", "pipe/x", "real/file/x", "../x", "/x", "", "a/../x"} {
		if _, _, err := workdir.Enter(root, name); err == nil {
			t.Errorf("%q was entered", name)
		}
	}
	if _, err := root.Lstat("x"); err != nil { // Close leaves the root open
		t.Error(err)
	}
}

func TestRegular(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	at, _, err := workdir.Enter(root, "real/x")
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	if _, err := at.Regular("link", os.O_RDWR|os.O_CREATE); err == nil {
		t.Error("a link was opened")
	}
	if _, err := at.Regular("none", os.O_RDWR); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a missing file: ", err)
	}
}

func TestLinked(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for _, want := range []bool{false, true} {
		if want {
			if err := root.Link("real/file", "real/twin"); err != nil {
				t.Fatal(err)
			}
		}
		info, err := root.Lstat("real/file")
		if err != nil || workdir.Linked(info) != want {
			t.Errorf("linked %v: %v", !want, err)
		}
	}
}

func TestTemporary(t *testing.T) {
	t.Parallel()
	name := workdir.Temporary(strings.Repeat("a", 20))
	if !workdir.IsTemporary(name) || !workdir.IsTemporary("a/"+name) {
		t.Errorf("%s is not known again", name)
	}
	if other := workdir.Temporary("b" + strings.Repeat("a", 19)); other == name {
		t.Errorf("two are called %s", name)
	}
	for _, name := range []string{"a/x", ".rolecall-1.part/x", ".rolecall/x.part", ".rolecall-1"} {
		if workdir.IsTemporary(name) {
			t.Errorf("%s is taken for temporary", name)
		}
	}
}
