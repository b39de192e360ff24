package journal

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/rolecall/rolecall/internal/workdir"
)

// Remove closes the journal of a job that is complete. It removes the file, its
// directory if that is empty, and unfinished files that no transfer resumed. It
// returns errors of removing only: those of writing do not matter to a complete
// job.
func (j *Journal) Remove() error {
	j.mu.Lock()
	var err error
	named := j.file != nil
	if named {
		for id, p := range j.open {
			if p.dir != "" {
				err = errors.Join(err, ignoreMissing(j.root.Remove(path.Join(p.dir, tempName(id)))))
			}
		}
		// The file is still locked, so that a process that opens it now finds it gone.
		err = errors.Join(err, j.removeReplacement(), ignoreMissing(j.dir.Remove(j.base)))
	}
	j.mu.Unlock()
	j.Close()
	if dir := path.Dir(j.name); named && dir != "." {
		if failed := ignoreMissing(j.root.Remove(dir)); failed != nil && !errors.Is(failed, syscall.ENOTEMPTY) && err == nil {
			err = failed
		}
	}
	return err
}

// removeReplacement removes another file that has the journal's name: a program
// may have moved the journal, or its directory, and put something else there.
func (j *Journal) removeReplacement() error {
	ours, err := j.file.Stat()
	if err != nil {
		return err
	}
	dir, base, err := workdir.Enter(j.root, j.name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if current, err := dir.Lstat(base); err != nil || os.SameFile(ours, current) {
		return ignoreMissing(err)
	}
	return ignoreMissing(dir.RemoveAll(base))
}

// ignoreMissing returns nil if the file to be removed does not exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
