package transfer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// Temporary names are what unfinished files are called. They are removed
// however a Get ends; only a killed process leaves one.
const (
	temporaryPrefix = ".rolecall-"
	temporarySuffix = ".part"
)

// IsTemporary tells whether a file's name is that of an unfinished Get.
func IsTemporary(name string) bool {
	base := path.Base(filepath.ToSlash(name))
	return strings.HasPrefix(base, temporaryPrefix) && strings.HasSuffix(base, temporarySuffix)
}

// target is a file on its way: written under a temporary name beside the
// final one.
type target struct {
	root      *os.Root
	name      string
	temporary string
	file      *os.File
}

// create makes the directories and the temporary file.
func create(root *os.Root, name string) (*target, error) {
	if err := place(root, name); err != nil {
		return nil, err
	}
	t := &target{root: root, name: name}
	t.temporary = path.Join(path.Dir(name), temporaryPrefix+rand.Text()[:16]+temporarySuffix)
	var err error
	t.file, err = root.OpenFile(t.temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, badFile(err)
	}
	return t, nil
}

// commit gives the file its final name.
func (t *target) commit() error {
	if err := t.file.Close(); err != nil {
		return badFile(err)
	}
	if err := place(t.root, t.name); err != nil {
		return err
	}
	return badFile(t.root.Rename(t.temporary, t.name))
}

// discard removes the temporary file, if it still has that name.
func (t *target) discard() {
	t.file.Close()
	t.root.Remove(t.temporary) //nolint:errcheck // renamed away already, or beyond our help
}

// place makes the directories of the name and refuses what a file cannot be
// put over: a directory, a link, a device. A regular file may be replaced.
func place(root *os.Root, name string) error {
	if err := local(name); err != nil {
		return err
	}
	for i, r := range name {
		if r != '/' {
			continue
		}
		dir := name[:i]
		if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return badFile(err)
		}
		if info, err := root.Lstat(dir); err != nil || !info.IsDir() {
			return badFile(errors.Join(err, fmt.Errorf("%s is not a directory", dir)))
		}
	}
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return badFile(err)
	case !info.Mode().IsRegular():
		return badFile(fmt.Errorf("%s is in the way and no regular file", name))
	}
	return nil
}

// open opens a regular file to read, through directories only. What was
// looked at must be what was opened: a program may put a link there meanwhile.
func open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	if err := local(name); err != nil {
		return nil, nil, err
	}
	for i, r := range name {
		if r != '/' {
			continue
		}
		if info, err := root.Lstat(name[:i]); err != nil || !info.IsDir() {
			return nil, nil, badFile(errors.Join(err, fmt.Errorf("%s is not a directory", name[:i])))
		}
	}
	seen, err := root.Lstat(name)
	if err != nil {
		return nil, nil, badFile(err)
	}
	if !seen.Mode().IsRegular() {
		return nil, nil, badFile(fmt.Errorf("%s is no regular file", name))
	}
	// Without O_NONBLOCK a pipe put there meanwhile would block.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, badFile(err)
	}
	info, err := file.Stat()
	if err != nil || !os.SameFile(seen, info) {
		file.Close()
		return nil, nil, badFile(errors.Join(err, fmt.Errorf("%s was replaced while it was opened", name)))
	}
	return file, info, nil
}

// unchanged is nil as long as the file has the size and time it was opened with.
func unchanged(file *os.File, opened fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return badFile(err)
	}
	if info.Size() != opened.Size() || !info.ModTime().Equal(opened.ModTime()) {
		return &Error{Kind: Changed, Err: fmt.Errorf("%s was written to while it was read", opened.Name())}
	}
	return nil
}

// local refuses names that are not plain paths below the root.
func local(name string) error {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return badFile(fmt.Errorf("%q is not the name of a file below the working directory", name))
	}
	return nil
}

// badFile makes an *Error of what the file system said; nil stays nil.
func badFile(err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind == DiskFull {
		return &Error{Kind: kind, Err: err}
	}
	return &Error{Kind: BadFile, Err: err}
}
