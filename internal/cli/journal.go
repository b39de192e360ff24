package cli

import (
	"errors"
	"os"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/transfer"
)

// journal opens the journal of the job with this id in the working directory.
func (c *runCommand) journal(dir *os.Root, id string, out *output) (*transfer.Journal, error) {
	name := rolecall.OwnDir + "/" + id + ".journal"
	j, err := transfer.OpenJournal(dir, name, job.NewID())
	if c.Fresh && !errors.Is(err, transfer.ErrLocked) {
		if j, err = anew(dir, name, j, err, out); err != nil {
			return nil, unusable(err)
		}
	}
	switch {
	case errors.Is(err, transfer.ErrLocked):
		return nil, &rolecall.Error{
			Code: rolecall.Conflict, Message: "another process is at work on this job in " + c.Workdir,
			Hint: "wait for its end, or give another directory with --workdir", Err: err,
		}
	case err != nil:
		return nil, unusable(err)
	case !job.IsID(j.Label()): // it becomes part of a session's name
		return nil, unusable(errors.Join(errors.New("its label is no job's id"), j.Close()))
	case j.Resumed() && !out.json:
		out.note("taking up job %s where an earlier run left it; --fresh begins anew", j.Label())
	}
	return j, nil
}

// anew replaces the journal, which was opened, or failed to be, by another.
func anew(dir *os.Root, name string, j *transfer.Journal, err error, out *output) (*transfer.Journal, error) {
	switch {
	case err != nil:
		err = dir.Remove(name)
	case !j.Resumed():
		return j, nil
	default:
		err = j.Remove()
		out.note("uploads that job %s may have left in buckets stay until a lifecycle rule removes them", j.Label())
	}
	if err != nil {
		return nil, err
	}
	return transfer.OpenJournal(dir, name, job.NewID())
}

func unusable(err error) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: "the journal of the job in the working directory cannot be used",
		Hint: "begin anew with --fresh, or give another directory with --workdir", Err: err,
	}
}

// leave removes the journal of a job that is complete, and keeps it of another,
// for the next run.
func (c *runCommand) leave(j *transfer.Journal, report rolecall.JobReport, out *output) {
	end := j.Close
	if report.Status == rolecall.Completed {
		end = j.Remove
	}
	if err := end(); err != nil {
		out.logger(c.Verbose).Warn("journal not kept whole, or not removed", "job", j.Label(), "cause", err)
		return
	}
	if report.Status != rolecall.Completed && (c.Workdir != "" || c.Keep) && !out.json {
		out.note("to go on after what is done, run the job again with --workdir and the same directory")
	}
}
