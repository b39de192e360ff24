package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rolecall/rolecall"
)

const (
	databaseFile = "rolecall.db"
	serveFile    = "serve.lock"
	urlFile      = "serve.url"
)

// Database returns the path of SQLite's file in the state directory, which it
// makes, empty, for its owner only: SQLite would let others read it.
func (d *Dir) Database() (string, error) {
	path := filepath.Join(d.path, databaseFile)
	if _, err := d.readable(databaseFile); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return "", d.unusable("cannot keep the database in the state directory ", err)
		}
		return path, nil
	}
	err := d.make(".")
	if err == nil {
		err = create(path, nil)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", d.unusable("cannot keep the database in the state directory ", err)
	}
	return path, nil
}

// HasDatabase reports whether a service has kept its database here.
func (d *Dir) HasDatabase() bool {
	info, err := os.Lstat(filepath.Join(d.path, databaseFile))
	return err == nil && info.Size() > 0
}

// LockServe makes this process the only one that serves with the state
// directory, until the function that it returns is called. Who describes it for
// those that are refused. The code of its error is Conflict if another serves.
func (d *Dir) LockServe(who string) (unlock func(), err error) {
	if err := d.make("."); err != nil {
		return nil, d.unusable("cannot keep anything in the state directory ", err)
	}
	path := filepath.Join(d.path, serveFile)
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, d.unusable("cannot lock the state directory ", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer func() { _ = lock.Close() }()
		other, _ := os.ReadFile(path)
		return nil, &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("another rolecall serves with the state directory %s: %s", d.path, strings.TrimSpace(string(other))),
			Hint: "Operator: stop it first, or give this one another directory as state",
		}
	}
	if err == nil {
		err = lock.Truncate(0)
	}
	if err == nil {
		_, err = lock.WriteAt([]byte(who+"\n"), 0)
	}
	if err != nil {
		return nil, d.unusable("cannot lock the state directory ", errors.Join(err, lock.Close()))
	}
	return func() { _ = lock.Close() }, nil // unlocks
}

// Serving reports whether a process serves with the state directory.
func (d *Dir) Serving() bool {
	lock, err := os.OpenFile(filepath.Join(d.path, serveFile), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return false // nothing ever did
	}
	defer func() { _ = lock.Close() }() // unlocks
	// Shared, so that those who ask do not find each other.
	return errors.Is(syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// ServeURL returns what KeepServeURL has kept; nothing if nothing served yet.
func (d *Dir) ServeURL() (string, error) {
	text, err := d.read(urlFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", d.unusable("cannot read the service's URL in the state directory ", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// KeepServeURL keeps where the service is found, for commands beside it.
func (d *Dir) KeepServeURL(url string) error {
	if err := d.write(urlFile, []byte(url+"\n")); err != nil {
		return d.unusable("cannot keep the service's URL in the state directory ", err)
	}
	return nil
}
