// Package state is the state directory of local runs: verdicts, claims and
// pins, external ids and api_names, the key of journals, and the records of
// checks. Several processes may use one directory at once.
//
// Everything is written by one atomic write, for the owner only. What another
// user owns or can write in the directory is not relied on: whoever writes there
// decides which roles are safe. The file format has the version of the layout.
//
// What is in a job's working directory is the concern of package journal and
// package workdir.
package state

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/rolecall/rolecall"
)

// Dir is a state directory. Use Open.
type Dir struct{ path string }

// The format file has the version of the layout in its first line. A directory
// without the file has the layout of version 1.
const (
	formatFile = "format"
	version    = 1
)

// Open opens the state directory at path. The directory need not exist: it is
// made, with the format file, when something is first written. Open refuses a
// directory that a newer rolecall has written.
func Open(path string) (*Dir, error) {
	d := &Dir{path}
	text, err := d.read(formatFile)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // the first write reports a file in its place
		return d, nil
	case err != nil:
		return nil, d.unusable("cannot read the state directory ", err)
	}
	found := strings.TrimSpace(string(text))
	if n, err := strconv.Atoi(found); err != nil || n < 1 || n > version {
		return nil, &rolecall.Error{
			Code: rolecall.Conflict, Pointer: "/state", Message: fmt.Sprintf("the state directory %s has the format %q, which this rolecall does not know", path, found),
			Hint: "Operator: run the version of rolecall that wrote it, or a newer one; another directory would forget all claims and external ids",
		}
	}
	return d, nil
}

// unusable reports that the directory cannot be used for what the message says.
func (d *Dir) unusable(message string, err error) error {
	var unreliable *unreliableError
	if errors.As(err, &unreliable) {
		return &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/state", Message: unreliable.Error(),
			Hint: cmp.Or(unreliable.hint,
				"Operator: see who wrote it; if it is right, give it to the user that runs rolecall (chown), closed to others (chmod go-w)"),
		}
	}
	return &rolecall.Error{
		Code: rolecall.Invalid, Pointer: "/state", Message: message + d.path,
		Hint: "Operator: make it writable, or name another directory as state in rolecall.yaml", Err: err,
	}
}

// unreliableError is about a file or directory that was not written here, or
// that somebody else could have changed since.
type unreliableError struct {
	path, reason string
	hint         string // empty: the one for all
}

// misplacedHint is about what is no file or directory of ours, such as a link.
const misplacedHint = "Operator: see who put it there, and put what belongs there in its place: the file or directory itself, from a backup"

func (e *unreliableError) Error() string { return e.path + " is not relied on: " + e.reason }

func isUnreliable(err error) bool {
	var e *unreliableError
	return errors.As(err, &e)
}

func ours(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

// roots reports whether a file is the superuser's, who can write everywhere.
func roots(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && owner.Uid == 0
}

// reliable checks that only its owner, who is us, could have written a file or
// made a directory.
func reliable(path string, info fs.FileInfo) error {
	switch {
	case !ours(info):
		return &unreliableError{path: path, reason: "another user owns it"}
	case info.Mode().Perm()&0o022 != 0:
		return &unreliableError{path: path, reason: "others can write to it"}
	}
	return nil
}

// read reads a file of the directory. In directories that pass the check
// nobody else can exchange the file meanwhile.
func (d *Dir) read(name string) ([]byte, error) {
	path, err := d.readable(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// readable returns the path of a file of the directory, if it can be relied on. One
// that others could read is closed to them.
func (d *Dir) readable(name string) (string, error) {
	if err := d.secure(filepath.Dir(name)); err != nil {
		return "", err
	}
	path := filepath.Join(d.path, name)
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", &unreliableError{path: path, reason: "it is no regular file", hint: misplacedHint}
	}
	if err := reliable(path, info); err != nil {
		return "", err
	}
	if ours(info) && info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("close the file to others: %w", err)
		}
	}
	return path, nil
}

// write puts a file in place of the one that is there.
func (d *Dir) write(name string, data []byte) error {
	if err := d.make(filepath.Dir(name)); err != nil {
		return err
	}
	return WriteFile(filepath.Join(d.path, name), data, 0o600)
}

// readOrCreate reads a file, and first creates it with the data where there is
// none. Of several processes that create it at once, all read the first's.
func (d *Dir) readOrCreate(name string, data func() []byte) ([]byte, error) {
	found, err := d.read(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	if err := d.make(filepath.Dir(name)); err != nil {
		return nil, err
	}
	if err := create(filepath.Join(d.path, name), data()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return d.read(name)
}

// make makes a directory below the state directory, for its owner only, and
// the format file.
func (d *Dir) make(name string) error {
	if err := os.MkdirAll(filepath.Join(d.path, name), 0o700); err != nil {
		return err
	}
	if err := d.secure(name); err != nil {
		return err
	}
	format := filepath.Join(d.path, formatFile)
	if _, err := os.Lstat(format); errors.Is(err, fs.ErrNotExist) {
		if err := create(format, []byte(strconv.Itoa(version)+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// secure closes a directory below the state directory, and those that lead to
// it, to others, and checks them and the state directory itself.
func (d *Dir) secure(name string) error {
	if err := d.secureRoot(); err != nil {
		return err
	}
	for ; name != "."; name = filepath.Dir(name) {
		path := filepath.Join(d.path, name)
		info, err := os.Lstat(path) // a link could lead to a directory that is not ours to close
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return &unreliableError{path: path, reason: "it is no directory", hint: misplacedHint}
		}
		if !ours(info) || info.Mode().Perm()&0o077 == 0 {
			if err := reliable(path, info); err != nil {
				return err
			}
			continue
		}
		if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory needs its x
			return fmt.Errorf("close the directory to others: %w", err)
		}
	}
	return nil
}

// secureRoot keeps others from putting files into the state directory in place
// of ours. They may go on reading its list of names: it may be a directory that
// others use too, in which nothing is closed to them that they need.
func (d *Dir) secureRoot() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	open := info.Mode().Perm()&0o022 != 0
	switch {
	case !info.IsDir():
		return &fs.PathError{Op: "open", Path: d.path, Err: syscall.ENOTDIR}
	case open && info.Mode()&fs.ModeSticky != 0: // such as /tmp, which must stay as it is
		return &unreliableError{
			path: d.path, reason: "everybody keeps files in it",
			hint: "Operator: name a new directory within it as state in rolecall.yaml",
		}
	case !ours(info) && (open || !roots(info)):
		return &unreliableError{
			path: d.path, reason: "another user owns it",
			hint: "Operator: give it to the user that runs rolecall (chown), or name another directory as state in rolecall.yaml",
		}
	case !open:
		return nil
	}
	if err := os.Chmod(d.path, info.Mode()&^0o022); err != nil {
		return fmt.Errorf("close the state directory to others: %w", err)
	}
	return nil
}
