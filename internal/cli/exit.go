package cli

import (
	"fmt"

	"github.com/rolecall/rolecall"
)

// The exit codes, as the manual lists them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitInvalid     = 2 // wrong usage or invalid input
	exitRefused     = 3
	exitUnavailable = 4
	exitInterrupted = 130
)

// shown is the exit code of a failure that the command has already shown, as
// part of its result.
type shown int

// Error satisfies the interface; nobody sees it.
func (s shown) Error() string { return fmt.Sprintf("exit %d", int(s)) }

// exitCode maps the codes of errors to the code of the process. Of several,
// the one that the user must fix first decides.
func exitCode(errs rolecall.Errors) int {
	has := map[int]bool{}
	for _, e := range errs {
		switch e.Code {
		case rolecall.Invalid, rolecall.NotFound, rolecall.Conflict:
			has[exitInvalid] = true
		case rolecall.Forbidden, rolecall.Unauthenticated:
			has[exitRefused] = true
		case rolecall.Unavailable:
			has[exitUnavailable] = true
		default:
			has[exitFailed] = true
		}
	}
	for _, code := range []int{exitInvalid, exitRefused, exitUnavailable} {
		if has[code] {
			return code
		}
	}
	return exitFailed
}

// jobExitCode is the code for a job that was valid and ran: what it did not
// find, or found in its way, is a failure like any other.
func jobExitCode(report rolecall.JobReport) int {
	switch {
	case report.Status == rolecall.Completed:
		return exitDone
	case report.Status == rolecall.Aborted:
		return exitInterrupted
	}
	if code := exitCode(report.Errors); code != exitInvalid {
		return code
	}
	return exitFailed
}
