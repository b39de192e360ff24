package cli

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/workdir"
)

// apart refuses a working directory in which a job could write what is the
// operator's, or deliver it: objects become files there under any name.
func (c *runCommand) apart(ctx context.Context, sys System, cfg *config.Config) error {
	if c.Workdir == "" {
		return nil // a new one
	}
	places := cfg.Places(ctx, sys.Getenv)
	if home := sys.Getenv("HOME"); home != "" { // with what shells and other tools start from
		places = append(places, config.Place{What: "the home directory", Path: home})
	}
	for _, p := range places {
		switch held, err := workdir.LeadsThrough(c.Workdir, p.Path); {
		case err != nil:
			return unfit(c.Workdir, err)
		case held:
			return c.misplaced("holds", p)
		}
	}
	state := config.Place{What: "the state directory", Path: cfg.State}
	switch held, err := workdir.LeadsThrough(state.Path, c.Workdir); {
	case err != nil:
		return unfit(c.Workdir, err)
	case held:
		return c.misplaced("is in", state)
	}
	return nil
}

func (c *runCommand) misplaced(how string, p config.Place) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: fmt.Sprintf("the working directory %s %s %s: %s", c.Workdir, how, p.What, p.Path),
		Hint: "You: give a directory with --workdir that has the job's files only; a job could replace this file by an object, or deliver it",
	}
}

func unfit(dir string, err error) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: "cannot use " + dir + " as the working directory",
		Hint: "You: give a directory that you may write to with --workdir", Err: err,
	}
}

// document returns the file of the job's document and the links that lead to
// it, if one is in the working directory.
func (c *runCommand) document() []fs.FileInfo {
	if c.Workdir == "" || c.Job == "-" {
		return nil
	}
	return workdir.FilesOf(c.Workdir, c.Job)
}
