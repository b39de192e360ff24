package job_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/reserved"
)

// A run goes on with the journal that an earlier one left, or begins again; the
// journal of a completed job goes.
func TestJournalIsTakenUp(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), make([]byte, journal.KeyBytes)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	open := func(digest string, start job.Start) job.Journal {
		t.Helper()
		j, err := job.OpenJournal(root, digest, key, start)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	leave := func(j job.Journal, status rolecall.Status) {
		t.Helper()
		if err := j.Leave(status); err != nil {
			t.Fatal(err)
		}
	}
	first := open("a", job.Resume)
	if first.Resumed() || !job.IsID(first.ID) || first.Unwritable != nil {
		t.Errorf("at first: %+v", first)
	}
	if _, err := job.OpenJournal(root, "a", key, job.Fresh); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("beside the first: %v", err)
	}
	leave(first, rolecall.Aborted)
	other := open("b", job.Resume)
	if other.ID == first.ID || other.Others != 1 {
		t.Errorf("of another job: %+v", other)
	}
	leave(other, rolecall.Failed)
	for _, start := range []job.Start{job.Resume, job.Fresh} {
		again := open("a", start)
		if !again.Resumed() || again.ID != first.ID || again.Others != 1 {
			t.Errorf("%s: %+v", start, again)
		}
		leave(again, rolecall.Failed)
	}
	leave(open("a", job.Resume), rolecall.Completed)
	if left, err := filepath.Glob(filepath.Join(dir, reserved.Dir, "*.journal")); err != nil || len(left) != 1 || filepath.Base(left[0]) != "b.journal" {
		t.Errorf("left are %v, %v", left, err)
	}

	key[0]++ // of another state directory
	if _, err := job.OpenJournal(root, "b", key, job.Resume); err == nil {
		t.Error("a journal of another key is taken up")
	}
	renewed := open("b", job.Fresh)
	if renewed.Resumed() || renewed.ID == other.ID {
		t.Errorf("fresh: %+v", renewed)
	}
	leave(renewed, rolecall.Completed)
}
