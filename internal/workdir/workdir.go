// Package workdir reaches files below a job's working directory, where the
// job's own programs can write: links are not followed, pipes not waited for,
// and what was looked at is what is opened. It tells which paths lead through
// such a directory.
//
// What the files hold, and how they are written, is decided elsewhere.
package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// Temporary names are what unfinished files are called.
const (
	temporaryPrefix = ".rolecall-"
	temporarySuffix = ".part"
	temporaryText   = 16
)

// Temporary is the name of the unfinished file that the text, of 16 letters,
// digits, hyphens and underscores at least, tells from others.
func Temporary(text string) string { return temporaryPrefix + text[:temporaryText] + temporarySuffix }

// IsTemporary tells whether a file's name is that of an unfinished one.
func IsTemporary(name string) bool {
	base := path.Base(filepath.ToSlash(name))
	return strings.HasPrefix(base, temporaryPrefix) && strings.HasSuffix(base, temporarySuffix)
}

// Dir is a directory at or below the working directory. Use Enter.
type Dir struct {
	*os.Root
	own bool // ours to close
}

// Enter goes into the directory of the name, which is made if it is missing,
// and gives the name that is left there. Close the directory.
func Enter(root *os.Root, name string) (at Dir, base string, err error) {
	if err := local(name); err != nil {
		return Dir{}, "", err
	}
	at = Dir{Root: root}
	for {
		first, rest, deeper := strings.Cut(name, "/")
		if !deeper {
			return at, name, nil
		}
		next, err := at.enter(first)
		at.Close()
		if err != nil {
			return Dir{}, "", err
		}
		at, name = next, rest
	}
}

// enter goes into a directory, which is made if it is missing and must be no
// link.
func (d Dir) enter(name string) (Dir, error) {
	seen, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return Dir{}, err
		}
		seen, err = d.Lstat(name)
	}
	if err != nil {
		return Dir{}, err
	}
	if !seen.IsDir() {
		return Dir{}, fmt.Errorf("%s is not a directory", name)
	}
	root, err := d.OpenRoot(name)
	return Dir{root, true}, err
}

// Close leaves the directory.
func (d Dir) Close() error {
	if !d.own {
		return nil
	}
	return d.Root.Close()
}

// Open opens a regular file to read, through directories only.
func Open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	if err := local(name); err != nil {
		return nil, nil, err
	}
	for i, r := range name {
		if r != '/' {
			continue
		}
		if info, err := root.Lstat(name[:i]); err != nil || !info.IsDir() {
			return nil, nil, errors.Join(err, fmt.Errorf("%s is not a directory", name[:i]))
		}
	}
	file, err := Dir{Root: root}.Regular(name, os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// Regular opens a regular file. What was looked at must be what was opened: a
// program may put a link there meanwhile.
func (d Dir) Regular(name string, flags int) (*os.File, error) {
	seen, err := d.Lstat(name)
	missing := errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0
	if err != nil && !missing {
		return nil, err
	}
	if !missing && !seen.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	// Without O_NONBLOCK a pipe put there meanwhile would block.
	file, err := d.OpenFile(name, flags|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if missing && err == nil {
		seen, err = d.Lstat(name)
	}
	if err != nil || !os.SameFile(seen, info) {
		file.Close()
		return nil, errors.Join(err, fmt.Errorf("%s was replaced while it was opened", name))
	}
	return file, nil
}

// local refuses names that are not plain paths below the root.
func local(name string) error {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%q is not the name of a file below the working directory", name)
	}
	return nil
}
