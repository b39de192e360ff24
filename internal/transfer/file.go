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
	"time"
)

// Temporary names are what unfinished files are called. They are removed
// however a Get ends, unless its Journal keeps them for another try; only a
// killed process leaves one.
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
	dir       *os.Root
	own       bool // dir is ours to close
	name      string
	temporary string // empty: it is gone
	file      *os.File
}

// create makes the directories and the temporary file. A name that is given
// for it is this transfer's alone: what is there under it is an earlier try's.
func create(root *os.Root, name, temporary string) (*target, error) {
	t, err := prepare(root, name)
	if err != nil {
		return nil, err
	}
	if t.temporary = temporary; temporary == "" {
		t.temporary = temporaryName(rand.Text())
	}
	for again := false; ; again = true {
		t.file, err = t.dir.OpenFile(t.temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return t, nil
		}
		if temporary != "" && !again && errors.Is(err, fs.ErrExist) {
			err = t.dir.Remove(t.temporary)
		}
		if err != nil {
			t.leave()
			return nil, badFile(err)
		}
	}
}

// reopen goes on with the temporary file that an earlier try left, if it is
// as it was: a regular file of the size, under this name only.
func reopen(root *os.Root, name, temporary string, size int64) (*target, error) {
	t, err := prepare(root, name)
	if err != nil {
		return nil, err
	}
	t.temporary = temporary
	if t.file, err = t.regular(temporary, os.O_RDWR); err == nil {
		var info fs.FileInfo
		if info, err = t.file.Stat(); err == nil && info.Size() == size && !linked(info) {
			return t, nil
		}
		t.file.Close()
	}
	t.leave()
	return nil, badFile(errors.Join(err, fmt.Errorf("%s is not the unfinished file", temporary)))
}

func temporaryName(text string) string { return temporaryPrefix + text[:16] + temporarySuffix }

// prepare makes the directories, and sees that the file can have its name.
func prepare(root *os.Root, name string) (*target, error) {
	if err := local(name); err != nil {
		return nil, err
	}
	t, err := descend(root, name)
	if err != nil {
		return nil, err
	}
	if err := t.free(); err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}

// descend goes into the directory of the name, which is made if it is missing.
func descend(root *os.Root, name string) (*target, error) {
	t := &target{dir: root, name: name}
	for {
		first, rest, deeper := strings.Cut(t.name, "/")
		if !deeper {
			return t, nil
		}
		if err := t.enter(first); err != nil {
			t.leave()
			return nil, badFile(err)
		}
		t.name = rest
	}
}

// enter goes into a directory, which is made if it is missing and must be no
// link.
func (t *target) enter(name string) error {
	seen, err := t.dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := t.dir.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		seen, err = t.dir.Lstat(name)
	}
	if err != nil {
		return err
	}
	if !seen.IsDir() {
		return fmt.Errorf("%s is not a directory", name)
	}
	dir, err := t.dir.OpenRoot(name)
	if err != nil {
		return err
	}
	t.leave()
	t.dir, t.own = dir, true
	return nil
}

func (t *target) leave() {
	if t.own {
		t.dir.Close()
	}
}

// free refuses what a file cannot be put over: a directory, a link, a device.
// A regular file may be replaced.
func (t *target) free() error {
	info, err := t.dir.Lstat(t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return badFile(err)
	case !info.Mode().IsRegular():
		return badFile(fmt.Errorf("%s is in the way and no regular file", t.name))
	}
	return nil
}

// commit gives the file its final name, and tells its time.
func (t *target) commit() (time.Time, error) {
	info, err := t.file.Stat()
	if closed := t.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return time.Time{}, badFile(err)
	}
	if err := t.free(); err != nil {
		return time.Time{}, err
	}
	if err := t.dir.Rename(t.temporary, t.name); err != nil {
		return time.Time{}, badFile(err)
	}
	t.temporary = ""
	return info.ModTime(), nil
}

// discard removes the temporary file, if it still has that name.
func (t *target) discard() {
	if t.temporary != "" {
		t.file.Close()
		t.dir.Remove(t.temporary) //nolint:errcheck // beyond our help
	}
	t.leave()
}

// keep leaves the temporary file for another try.
func (t *target) keep() {
	t.file.Close()
	t.leave()
}

// open opens a regular file to read, through directories only.
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
	file, err := (&target{dir: root}).regular(name, os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, badFile(err)
	}
	return file, info, nil
}

// regular opens a regular file. What was looked at must be what was opened: a
// program may put a link there meanwhile.
func (t *target) regular(name string, flags int) (*os.File, error) {
	seen, err := t.dir.Lstat(name)
	missing := errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0
	if err != nil && !missing {
		return nil, badFile(err)
	}
	if !missing && !seen.Mode().IsRegular() {
		return nil, badFile(fmt.Errorf("%s is no regular file", name))
	}
	// Without O_NONBLOCK a pipe put there meanwhile would block.
	file, err := t.dir.OpenFile(name, flags|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, badFile(err)
	}
	info, err := file.Stat()
	if missing && err == nil {
		seen, err = t.dir.Lstat(name)
	}
	if err != nil || !os.SameFile(seen, info) {
		file.Close()
		return nil, badFile(errors.Join(err, fmt.Errorf("%s was replaced while it was opened", name)))
	}
	return file, nil
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
