package transfer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/rolecall/rolecall/internal/workdir"
)

// target is a file on its way: written under a temporary name beside the
// final one.
type target struct {
	dir       workdir.Dir
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
		t.temporary = workdir.Temporary(rand.Text())
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
			t.dir.Close()
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
	if t.file, err = t.dir.Regular(temporary, os.O_RDWR); err == nil {
		var info fs.FileInfo
		if info, err = t.file.Stat(); err == nil && info.Size() == size && !workdir.Linked(info) {
			return t, nil
		}
		t.file.Close()
	}
	t.dir.Close()
	return nil, badFile(errors.Join(err, fmt.Errorf("%s is not the unfinished file", temporary)))
}

// prepare makes the directories, and sees that the file can have its name.
func prepare(root *os.Root, name string) (*target, error) {
	dir, base, err := workdir.Enter(root, name)
	if err != nil {
		return nil, badFile(err)
	}
	t := &target{dir: dir, name: base}
	if err := t.free(); err != nil {
		t.dir.Close()
		return nil, err
	}
	return t, nil
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
	t.dir.Close()
}

// keep leaves the temporary file for another try.
func (t *target) keep() {
	t.file.Close()
	t.dir.Close()
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

// failures are the system's own, whatever the path.
var failures = [...]syscall.Errno{syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}

// badFile makes an *Error of what the file system said; nil stays nil.
func badFile(err error) error {
	if err == nil {
		return nil
	}
	kind := BadFile
	switch {
	case kindOf(err) == DiskFull:
		kind = DiskFull
	case slices.ContainsFunc(failures[:], func(no syscall.Errno) bool { return errors.Is(err, no) }):
		kind = DiskFailed
	}
	return &Error{Kind: kind, Err: err}
}
