package journal

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/rolecall/rolecall/internal/workdir"
)

// Remove closes the journal of a job that is complete, and removes its file,
// and its directory when that is empty, and unfinished files that no transfer
// took up again. What could not be noted is nothing to a complete job: the
// error is of removing only.
func (j *Journal) Remove() error {
	j.mu.Lock()
	var err error
	named := j.file != nil
	if named {
		for id, p := range j.open {
			if p.dir != "" {
				err = errors.Join(err, absent(j.root.Remove(path.Join(p.dir, unfinishedFile(id)))))
			}
		}
		// Still locked, so that who opens it now finds that it is gone.
		err = errors.Join(err, j.usurped(), absent(j.at.Remove(j.base)))
	}
	j.mu.Unlock()
	j.Close()
	if dir := path.Dir(j.name); named && dir != "." {
		if failed := absent(j.root.Remove(dir)); failed != nil && !errors.Is(failed, syscall.ENOTEMPTY) && err == nil {
			err = failed
		}
	}
	return err
}

// usurped removes what has the file's name and is another: a program may have
// moved the file, or its directory, and put something else there.
func (j *Journal) usurped() error {
	ours, err := j.file.Stat()
	if err != nil {
		return err
	}
	at, base, err := workdir.Enter(j.root, j.name)
	if err != nil {
		return err
	}
	defer at.Close()
	if there, err := at.Lstat(base); err != nil || os.SameFile(ours, there) {
		return absent(err)
	}
	return absent(at.RemoveAll(base))
}

// absent is nil where what was to be removed is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
