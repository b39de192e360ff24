package job

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/reserved"
)

// Journal is what earlier runs of a job have begun and done. Use OpenJournal.
type Journal struct {
	*journal.Journal
	ID string // of the job, which its first run chose
	// Unwritable is why the working directory cannot be written: the journal is
	// in memory then, and no later run goes on with it. Nil: it is a file.
	Unwritable error
	Others     int // journals of other jobs in the working directory
}

// Start says how a run begins where an earlier one left a journal.
type Start string

// The ways to start.
const (
	Resume Start = "resume" // go on where the earlier run ended
	Fresh  Start = "fresh"  // take back what it left unfinished, and do all again
)

// OpenJournal opens the journal of the job with this digest in its working
// directory, or one in memory where that cannot be written. A fresh start
// removes a journal that cannot be used. The key is that of journal.Open, and
// so is the error while another process has the journal.
func OpenJournal(dir *os.Root, digest string, key []byte, start Start) (Journal, error) {
	name := reserved.Dir + "/" + digest + ".journal"
	j, err := openJournal(dir, name, key)
	if start == Fresh && err != nil && !errors.Is(err, journal.ErrLocked) && !unwritable(err) {
		if err = dir.Remove(name); err == nil {
			j, err = openJournal(dir, name, key)
		}
	}
	switch {
	case unwritable(err):
		return Journal{Journal: journal.New(), ID: NewID(), Unwritable: err}, nil
	case err != nil:
		return Journal{}, err
	case j.Resumed() && start == Fresh:
		j.Renew()
	}
	return Journal{Journal: j, ID: j.Label(), Others: others(dir, name)}, nil
}

func openJournal(dir *os.Root, name string, key []byte) (*journal.Journal, error) {
	j, err := journal.Open(dir, name, NewID(), key)
	if err == nil && !IsID(j.Label()) { // it becomes part of a session's name
		err = errors.Join(errors.New("its label is no job's id"), j.Close())
	}
	return j, err
}

// unwritable reports whether nothing can be written where the journal would be.
func unwritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// others counts the journals of other jobs.
func others(dir *os.Root, name string) int {
	found, err := fs.Glob(dir.FS(), reserved.Dir+"/*.journal")
	if err != nil {
		return 0
	}
	return len(slices.DeleteFunc(found, func(other string) bool { return other == name }))
}

// Leave closes the journal of a job that ended with the status: it removes that
// of a completed one, and keeps another for the next run. Its error says that
// the file is not whole, or not removed.
func (j Journal) Leave(status rolecall.Status) error {
	if status == rolecall.Completed {
		return j.Remove()
	}
	return j.Close()
}
