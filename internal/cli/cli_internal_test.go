package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

// The first signal cancels, the second ends the process, and the watcher does
// not outlive the command.
func TestInterruptible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		code := -1
		var stderr bytes.Buffer
		sys := System{Stderr: &stderr, Getenv: func(string) string { return "" }, Signals: signals, Exit: func(c int) { code = c }}
		ctx, stop := interruptible(t.Context(), sys, newOutput(sys, false))
		if ctx.Err() != nil {
			t.Fatal("cancelled before any signal")
		}
		signals <- os.Interrupt
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), errInterrupted) || code != -1 {
			t.Fatalf("after one signal: %v, exit %d", context.Cause(ctx), code)
		}
		if !strings.Contains(stderr.String(), "interrupt again to end at once") {
			t.Errorf("nobody is told how to go on: %q", stderr.String())
		}
		signals <- os.Interrupt
		synctest.Wait()
		if code != exitInterrupted {
			t.Errorf("after two signals: exit %d", code)
		}
		stop()
	})
}

func TestRunLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		sys := System{
			Stdin: strings.NewReader("{}\n"), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" },
			Signals: make(chan os.Signal), Exit: func(c int) { t.Errorf("exit %d", c) },
		}
		if code := Run(t.Context(), []string{"policy", "simulate", "-"}, sys); code != exitDone {
			t.Errorf("exit code %d: %s", code, &stderr)
		}
	})
}
