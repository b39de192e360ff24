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

// tempFile is a file that is written under a temporary name beside the final
// one.
type tempFile struct {
	dir       workdir.Dir
	name      string
	temporary string // empty: renamed
	file      *os.File
	room      *promise // of an object in parts
}

// createTemp makes the directories and the temporary file. Without a temporary
// name it makes up one. A name that is passed belongs to this transfer alone: a
// file that has it already is an earlier attempt's, and is removed.
func createTemp(root *os.Root, name, temporary string) (*tempFile, error) {
	t, err := prepareTemp(root, name)
	if err != nil {
		return nil, err
	}
	if t.temporary = temporary; temporary == "" {
		t.temporary = workdir.Temporary(rand.Text())
	}
	for retried := false; ; retried = true {
		t.file, err = t.dir.OpenFile(t.temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return t, nil
		}
		if temporary != "" && !retried && errors.Is(err, fs.ErrExist) {
			err = t.dir.Remove(t.temporary)
		}
		if err != nil {
			t.dir.Close()
			return nil, fileError(err)
		}
	}
}

// reopenTemp opens the temporary file that an earlier attempt left. The file
// must be unchanged: a regular file of the size, with no other name.
func reopenTemp(root *os.Root, name, temporary string, size int64) (*tempFile, error) {
	t, err := prepareTemp(root, name)
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
	return nil, fileError(errors.Join(err, fmt.Errorf("%s is not the unfinished file", temporary)))
}

// prepareTemp makes the directories, and checks that the file can have its
// name.
func prepareTemp(root *os.Root, name string) (*tempFile, error) {
	dir, base, err := workdir.Enter(root, name)
	if err != nil {
		return nil, fileError(err)
	}
	t := &tempFile{dir: dir, name: base}
	if err := t.checkReplaceable(); err != nil {
		t.dir.Close()
		return nil, err
	}
	return t, nil
}

// checkReplaceable returns an error if the name belongs to something that a
// file cannot replace: a directory, a link, a device. A regular file may be
// replaced.
func (t *tempFile) checkReplaceable() error {
	info, err := t.dir.Lstat(t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fileError(err)
	case !info.Mode().IsRegular():
		return fileError(fmt.Errorf("%s is in the way and no regular file", t.name))
	}
	return nil
}

// commit renames the file to its final name, and returns its modification time.
func (t *tempFile) commit() (time.Time, error) {
	info, err := t.file.Stat()
	if closed := t.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return time.Time{}, fileError(err)
	}
	if err := t.checkReplaceable(); err != nil {
		return time.Time{}, err
	}
	if err := t.dir.Rename(t.temporary, t.name); err != nil {
		return time.Time{}, fileError(err)
	}
	t.temporary = ""
	return info.ModTime(), nil
}

// discard closes the file, and removes it if it still has its temporary name.
func (t *tempFile) discard() {
	if t.temporary != "" {
		t.file.Close()
		t.dir.Remove(t.temporary) //nolint:errcheck // nothing can be done about it
	}
	t.dir.Close()
}

// keep closes the temporary file and leaves it for another attempt.
func (t *tempFile) keep() {
	t.file.Close()
	t.dir.Close()
}

// checkUnchanged returns an error if the file's size or modification time is
// not that of when it was opened.
func checkUnchanged(file *os.File, opened fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return fileError(err)
	}
	if info.Size() != opened.Size() || !info.ModTime().Equal(opened.ModTime()) {
		return &Error{Kind: Changed, Err: fmt.Errorf("%s was written to while it was read", opened.Name())}
	}
	return nil
}

// systemErrors are errors of the system, whatever the path.
var systemErrors = [...]syscall.Errno{syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}

// fileError returns an error of the file system as an *Error. It returns nil
// for nil.
func fileError(err error) error {
	if err == nil {
		return nil
	}
	kind := BadFile
	switch {
	case kindOf(err) == DiskFull:
		kind = DiskFull
	case slices.ContainsFunc(systemErrors[:], func(no syscall.Errno) bool { return errors.Is(err, no) }):
		kind = DiskFailed
	}
	return &Error{Kind: kind, Err: err}
}
