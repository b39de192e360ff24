package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/term"

	"github.com/rolecall/rolecall"
)

// The exit codes of shells for commands that cannot be run, or that a signal
// ended.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignalled     = 128 // and the number of the signal
)

// follow runs a command to its end, passes signals on to it, and returns its end
// as ours. The command stays in the process group, for the terminal's keys.
func follow(command *exec.Cmd, sys System, out *output) error {
	more := make(chan os.Signal, 8)
	signal.Notify(more, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(more)
	if err := command.Start(); err != nil {
		return unstarted(command, err, out)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case s := <-sys.Signals:
			pass(command, s, sys)
		case s := <-more:
			pass(command, s, sys)
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return fmt.Errorf("wait for %s: %w", command.Path, err)
			}
			return exitOf(command.ProcessState)
		}
	}
}

// pass sends a signal to the command, unless it came from a key of the terminal,
// which sends it to both by itself.
func pass(command *exec.Cmd, s os.Signal, sys System) {
	if (s == os.Interrupt || s == syscall.SIGQUIT) && slices.ContainsFunc([]any{sys.Stdin, sys.Stdout, sys.Stderr}, isTerminal) {
		return
	}
	_ = command.Process.Signal(s) // it may have ended
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// unstarted prints why a command cannot be run, and returns the exit code that
// shells have for it.
func unstarted(command *exec.Cmd, err error, out *output) error {
	code, message := exitNotExecutable, "cannot be run"
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code, message = exitNotFound, "is not found"
	}
	out.fail(&rolecall.Error{
		Code: rolecall.Invalid, Message: fmt.Sprintf("the command %q %s", command.Args[0], message),
		Hint: "You: give a program of PATH, or the path of one", Err: err,
	})
	return shown(code)
}

// exitOf returns a command's end as an exit code; zero is no error.
func exitOf(state *os.ProcessState) error {
	code := state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = exitSignalled + int(status.Signal())
	}
	if code == exitDone {
		return nil
	}
	return shown(code)
}
