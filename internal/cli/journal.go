package cli

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/reserved"
)

// account is the journal of a job.
type account struct {
	*journal.Journal
	id      string // the job's
	lasting bool   // a later run can take it up
}

// journal opens the journal of the job with this digest in the working
// directory, or where that cannot be written one in memory.
func (c *runCommand) journal(dir *os.Root, digest string, key []byte, out *output) (account, error) {
	name := reserved.Dir + "/" + digest + ".journal"
	j, err := openJournal(dir, name, key)
	if c.Fresh && err != nil && !errors.Is(err, journal.ErrLocked) && !unwritable(err) {
		if err = dir.Remove(name); err == nil {
			j, err = openJournal(dir, name, key)
		}
	}
	switch {
	case errors.Is(err, journal.ErrLocked):
		return account{}, &rolecall.Error{
			Code: rolecall.Conflict, Message: "another process is at work on this job in " + c.Workdir,
			Hint: "wait for its end, or give another directory with --workdir", Err: err,
		}
	case unwritable(err):
		out.note("this run cannot be taken up again: %s is not writable: %s", c.Workdir, reason(err))
		return account{journal.New(), job.NewID(), false}, nil
	case err != nil:
		return account{}, unusable(err)
	case j.Resumed() && c.Fresh:
		out.note("beginning job %s anew: what an earlier run left unfinished is taken back", j.Label())
		j.Renew()
	case j.Resumed() && !out.json:
		out.note("taking up job %s where an earlier run left it; --fresh begins anew", j.Label())
	}
	if n := others(dir, name); n > 0 && !out.json {
		out.note("journals of other jobs are in this directory, %d of them: those are under way, or can be run again to take them up", n)
	}
	return account{j, j.Label(), c.Workdir != ""}, nil
}

// others counts the journals of other jobs.
func others(dir *os.Root, name string) int {
	found, err := fs.Glob(dir.FS(), reserved.Dir+"/*.journal")
	if err != nil {
		return 0
	}
	return len(slices.DeleteFunc(found, func(other string) bool { return other == name }))
}

func openJournal(dir *os.Root, name string, key []byte) (*journal.Journal, error) {
	j, err := journal.Open(dir, name, job.NewID(), key)
	if err == nil && !job.IsID(j.Label()) { // it becomes part of a session's name
		err = errors.Join(errors.New("its label is no job's id"), j.Close())
	}
	return j, err
}

// unwritable tells whether nothing can be written where the journal would be.
func unwritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// reason is what the operating system says, if it is its error.
func reason(err error) string {
	var says syscall.Errno
	if errors.As(err, &says) {
		return says.Error()
	}
	return ""
}

func unusable(err error) error {
	e := &rolecall.Error{
		Code: rolecall.Invalid, Message: "the journal of the job in the working directory cannot be used",
		Hint: "begin anew with --fresh, or give another directory with --workdir; one that was copied, or was used with another state directory, cannot be taken up", Err: err,
	}
	if why := reason(err); why != "" {
		e.Message, e.Hint = e.Message+": "+why, "give another directory with --workdir"
	}
	return e
}

// leave removes the journal of a job that is complete, and keeps it of another,
// for the next run.
func (c *runCommand) leave(j account, report rolecall.JobReport, out *output) {
	complete := report.Status == rolecall.Completed
	end, unfinished := j.Close, j.Unfinished()
	if complete {
		end = j.Remove
	}
	err := end()
	if err != nil {
		out.logger(c.Verbose).Warn("journal not kept whole, or not removed", "job", j.id, "cause", err)
	}
	switch {
	case !j.lasting && !c.Keep: // no later run finds it
		return
	case err != nil && complete:
		out.note("the journal of the job could not be removed: a later run may take the job for one that did not complete")
	case err != nil:
		out.note("the journal is not whole: a later run may not know all that is done or unfinished")
	}
	switch {
	case complete:
	case j.lasting && unfinished > 0: // also beside a document: buckets charge for it
		out.note("unfinished uploads and files are kept, %d of them: run the job again with --workdir and the same directory to go on, or with --fresh as well to take them back", unfinished)
	case !out.json:
		out.note("to go on after what is done, run the job again with --workdir and the same directory")
	}
}
