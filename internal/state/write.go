package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteFile puts a file in place whole or not at all. It replaces a file of
// that name, and a link rather than what the link leads to.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, os.Rename)
}

// create puts a file in place whole or not at all, for its owner only. The
// error is fs.ErrExist where there is one of that name.
func create(path string, data []byte) error { return write(path, data, 0o600, os.Link) }

func write(path string, data []byte, mode fs.FileMode, place func(temporary, path string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // where it was not renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return place(tmp.Name(), path)
}

// unfinished begins the names of files that are being written.
const unfinished = ".new"

// sweep removes what a process that was killed left half-written in the
// directory, if it is older than the age; zero: however new it is.
func sweep(dir string, age time.Duration) {
	entries, _ := os.ReadDir(dir) // whether it can be used shows later
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) || e.IsDir() {
			continue
		}
		if info, err := e.Info(); err == nil && (age == 0 || time.Since(info.ModTime()) > age) {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next time, then
		}
	}
}
