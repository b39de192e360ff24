package cli_test

import (
	"bufio"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A signal is the command's to answer: what it ends with is the exit code.
func TestExecPassesSignals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	newSite(t, filepath.Join(dir, "sandbox.yaml"), nil).fillIn(t, filepath.Join(dir, "rolecall.yaml"))
	for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 9, syscall.SIGINT: 8, syscall.SIGHUP: 7, syscall.SIGQUIT: 131} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			run := command(t, dir, "exec", "masters", "--", "sh", "-c", `trap "exit 9" TERM; trap "exit 8" INT; trap "exit 7" HUP; ulimit -c 0; echo ready; read -r line`)
			stdin, err := run.StdinPipe() // open, so that the command reads
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stdout, err := run.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("%q, %v", line, err)
			}
			if err := run.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if got := exitCode(t, run); got != code {
				t.Errorf("exit code %d, not %d", got, code)
			}
		})
	}
}
