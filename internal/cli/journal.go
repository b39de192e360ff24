package cli

import (
	"errors"
	"os"
	"syscall"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/journal"
)

// journal opens the journal of the job with this digest in the working
// directory, and says what that means for the run.
func (c *runCommand) journal(dir *os.Root, digest string, key []byte, out *output) (job.Journal, error) {
	start := job.Resume
	if c.Fresh {
		start = job.Fresh
	}
	j, err := job.OpenJournal(dir, digest, key, start)
	switch {
	case errors.Is(err, journal.ErrLocked):
		return j, &rolecall.Error{
			Code: rolecall.Conflict, Message: "another process is at work on this job in " + c.Workdir,
			Hint: "You: wait for its end, or give another directory with --workdir", Err: err,
		}
	case err != nil:
		return j, unusable(err)
	case j.Unwritable != nil:
		out.note("this run cannot be taken up again: %s is not writable: %s", c.Workdir, reason(j.Unwritable))
	case j.Resumed() && c.Fresh:
		out.note("beginning job %s anew: what an earlier run left unfinished is taken back", j.ID)
	case j.Resumed() && !out.json:
		out.note("taking up job %s where an earlier run left it; --fresh begins anew", j.ID)
	}
	if j.Others > 0 && !out.json {
		out.note("journals of other jobs are in this directory, %d of them: those are under way, or can be run again to take them up", j.Others)
	}
	return j, nil
}

// reason returns what the operating system says, if it is its error.
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
		Hint: "You: begin again with --fresh, or give another directory with --workdir; a journal is good for its own directory and state only", Err: err,
	}
	if why := reason(err); why != "" {
		e.Message, e.Hint = e.Message+": "+why, "You: give another directory with --workdir"
	}
	return e
}

// leave leaves the journal of a job that ended, and says what a later run will
// find.
func (c *runCommand) leave(j job.Journal, report rolecall.JobReport, out *output) {
	complete, unfinished := report.Status == rolecall.Completed, j.Unfinished()
	err := j.Leave(report.Status)
	if err != nil {
		out.logger(c.Verbose).Warn("journal not kept whole, or not removed", "job", j.ID, "cause", err)
	}
	lasting := c.lasting(j)
	switch {
	case !lasting && !c.Keep: // no later run finds it
		return
	case err != nil && complete:
		out.note("the journal of the job could not be removed: a later run may take the job for one that did not complete")
	case err != nil:
		out.note("the journal is not whole: a later run may not know all that is done or unfinished")
	}
	switch {
	case complete:
	case lasting && unfinished > 0: // also beside a document: buckets charge for it
		out.note("unfinished uploads and files are kept, %d of them: run the job again with --workdir and the same directory to go on, or with --fresh as well to take them back", unfinished)
	case !out.json:
		out.note("to go on after what is done, run the job again with --workdir and the same directory")
	}
}

// lasting reports whether a later run can go on with the journal.
func (c *runCommand) lasting(j job.Journal) bool { return c.Workdir != "" && j.Unwritable == nil }
