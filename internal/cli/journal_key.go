package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/journal"
)

// journalKey gives the key that journals are sealed with. It is made once, and
// stays in the state directory, out of the reach of a job's programs.
func journalKey(state string) ([]byte, error) {
	path := filepath.Join(state, "journal.key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(path); err == nil {
			key, err = os.ReadFile(path)
		}
	}
	if err == nil && len(key) != journal.KeyBytes {
		err = fmt.Errorf("%s is %d bytes long, not %d", path, len(key), journal.KeyBytes)
	}
	if err != nil {
		return nil, &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/state", Message: "cannot keep the key of journals in the state directory " + state,
			Hint: "make it writable, or give another directory as state", Err: err,
		}
	}
	return key, nil
}

// makeKey puts a key in place, whole or not at all. Of several processes that
// make one at once, all get the first's.
func makeKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	key := make([]byte, journal.KeyBytes)
	_, _ = rand.Read(key) // never fails; see crypto/rand
	_, err = tmp.Write(key)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
