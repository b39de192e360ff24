// Package workdir opens files below a job's working directory, where the job's
// own programs can write: it does not follow links or wait for pipes, and it
// opens the file that it checked. It also reports which paths lead through such
// a directory.
//
// What the files have in them, and how they are written, is decided elsewhere.
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

// The parts of an unfinished file's name.
const (
	temporaryPrefix = ".rolecall-"
	temporarySuffix = ".part"
	temporaryText   = 16
)

// Temporary returns the name of an unfinished file. The text distinguishes it
// from others; it has at least 16 letters, digits, hyphens and underscores, of
// which the first 16 are used.
func Temporary(text string) string { return temporaryPrefix + text[:temporaryText] + temporarySuffix }

// IsTemporary reports whether the name is that of an unfinished file.
func IsTemporary(name string) bool {
	base := path.Base(filepath.ToSlash(name))
	return strings.HasPrefix(base, temporaryPrefix) && strings.HasSuffix(base, temporarySuffix)
}

// Dir is a directory at or below the working directory. Use Enter.
type Dir struct {
	*os.Root
	owned bool // Close closes it
}

// Enter opens the directory of the named file, and returns it with the file's
// name there. It creates directories that are missing. The caller closes the
// directory.
func Enter(root *os.Root, name string) (at Dir, base string, err error) {
	if err := checkLocal(name); err != nil {
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

// enter opens a directory, which must not be a link. It creates it if it is
// missing.
func (d Dir) enter(name string) (Dir, error) {
	info, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return Dir{}, err
		}
		info, err = d.Lstat(name)
	}
	if err != nil {
		return Dir{}, err
	}
	if !info.IsDir() {
		return Dir{}, fmt.Errorf("%s is not a directory", name)
	}
	root, err := d.OpenRoot(name)
	return Dir{root, true}, err
}

// Close closes the directory, unless it is the working directory itself.
func (d Dir) Close() error {
	if !d.owned {
		return nil
	}
	return d.Root.Close()
}

// Open opens a regular file for reading. No part of its path may be a link.
func Open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	if err := checkLocal(name); err != nil {
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

// Regular opens a regular file. It returns an error if a program replaces the
// file, say by a link, while it is opened.
func (d Dir) Regular(name string, flags int) (*os.File, error) {
	before, err := d.Lstat(name)
	missing := errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0
	if err != nil && !missing {
		return nil, err
	}
	if !missing && !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	// Without O_NONBLOCK a pipe that replaced the file would block.
	file, err := d.OpenFile(name, flags|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if missing && err == nil {
		before, err = d.Lstat(name)
	}
	if err != nil || !os.SameFile(before, info) {
		file.Close()
		return nil, errors.Join(err, fmt.Errorf("%s was replaced while it was opened", name))
	}
	return file, nil
}

// checkLocal returns an error if the name is not a plain path below the root.
func checkLocal(name string) error {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%q is not the name of a file below the working directory", name)
	}
	return nil
}
