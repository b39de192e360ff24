package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/sandbox"
)

// command prepares rolecall as a process in a directory, with a temporary
// directory of its own beside it.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "rolecall", args...)
	c.Dir = dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + tmp,
		"PRODUCTION_KEY=ASIAPRODUCTION000000", "PRODUCTION_SECRET=planted-secret-of-production", "PRODUCTION_TOKEN=planted-token-of-production",
	}
	return c
}

// seen is a log handler that tells of the first request of an operation.
type seen struct {
	slog.Handler
	operation string
	once      *sync.Once
	done      chan struct{}
}

func newSeen(operation string) seen {
	return seen{slog.DiscardHandler, operation, &sync.Once{}, make(chan struct{})}
}

func (s seen) Enabled(context.Context, slog.Level) bool { return true }

func (s seen) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "operation" && a.Value.String() == s.operation {
			s.once.Do(func() { close(s.done) })
		}
		return true
	})
	return nil
}

// interrupted starts a job that delivers a large file to a sandbox whose
// operations of that name hang, and returns once its upload has begun.
func interrupted(t *testing.T, output string, hang ...string) (run *exec.Cmd, dir string, s *site, stdout *bytes.Buffer, stderr io.Reader) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "masters", "in", "large.mov"), make([]byte, 40<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	job := `{"tasks": [
		{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["large.mov"]}},
		{"tool": "storage:put", "parameters": {"connection": "delivery", "files": ["large.mov"]}}
	]}`
	if err := os.WriteFile(filepath.Join(dir, "job.json"), []byte(job), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := newSeen("CreateMultipartUpload")
	s = newSite(t, filepath.Join(dir, "sandbox.yaml"), func(cfg *sandbox.Config, o *sandbox.Options) {
		o.Log = slog.New(begun)
		for _, operation := range hang {
			cfg.Faults = append(cfg.Faults, sandbox.Fault{Service: "s3", Operation: operation, Delay: sandbox.Duration(time.Hour)})
		}
	})
	s.fillIn(t, filepath.Join(dir, "rolecall.yaml"))
	run = command(t, dir, "run", "job.json", "--org", "acme", "--output", output, "--verbose")
	stdout = &bytes.Buffer{}
	run.Stdout = stdout
	stderr, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-begun.done:
	case <-t.Context().Done():
		t.Fatal("the upload did not begin")
	}
	return run, dir, s, stdout, stderr
}

func exitCode(t *testing.T, run *exec.Cmd) int {
	t.Helper()
	err := run.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run.ProcessState.ExitCode()
}

// One interrupt in the middle of an upload takes back what was begun.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			run, dir, site, stdout, stderr := interrupted(t, "json", "UploadPart")
			if err := run.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			log, err := io.ReadAll(stderr)
			if err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, run); code != 130 {
				t.Errorf("exit code %d, not 130; stderr:\n%s", code, log)
			}
			var report rolecall.JobReport
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
				t.Fatalf("no report: %v", err)
			}
			if report.Status != rolecall.Aborted || report.Tasks[0].Status != rolecall.Completed || report.Tasks[1].Status != rolecall.Aborted {
				t.Errorf("the report tells of another end: %s", stdout)
			}
			site.noUploads(t)
			if found := site.objects(t, "acme-delivery"); len(found) > 0 {
				t.Errorf("%d objects were delivered", len(found))
			}
			left, err := os.ReadDir(filepath.Join(dir, "tmp"))
			if err != nil || len(left) > 0 {
				t.Errorf("temporary files are left: %v %v", left, err)
			}
		})
	}
}

// Whoever reads what a run writes may leave: the job goes on to its end, and nothing
// stays in its temporary directory.
func TestReadersMayLeave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, filepath.Join(dir, "sandbox.yaml"), func(*sandbox.Config, *sandbox.Options) {})
	s.fillIn(t, filepath.Join(dir, "rolecall.yaml"))
	run := command(t, dir, "run", "job.json", "--org", "acme")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stdout, run.Stderr = writer, writer
	if err := errors.Join(run.Start(), writer.Close(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run); code != 1 { // its report could not be written
		t.Errorf("exit code %d", code)
	}
	if found := s.objects(t, "acme-delivery"); len(found) != 2 {
		t.Errorf("%d objects were delivered", len(found))
	}
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

// The second interrupt does not wait for anything.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	run, _, _, _, stderr := interrupted(t, "text", "UploadPart", "AbortMultipartUpload")
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for !strings.Contains(lines.Text(), "interrupt again") {
		if !lines.Scan() {
			t.Fatal("it ended at the first interrupt")
		}
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var left string
	for lines.Scan() {
		if _, dir, found := strings.Cut(lines.Text(), "working directory is left, with all that is in it: remove "); found {
			left = dir
		}
	}
	if code := exitCode(t, run); code != 130 {
		t.Errorf("exit code %d, not 130", code)
	}
	if _, err := os.Stat(filepath.Join(left, "large.mov")); left == "" || err != nil {
		t.Errorf("the directory that is left is not named: %q, %v", left, err)
	}
	_ = os.RemoveAll(left)
}

// What a check is denied is tried again, visibly, for as long as asked, and an
// interrupt ends that.
func TestCheckTriesAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	newSite(t, filepath.Join(dir, "sandbox.yaml"), func(cfg *sandbox.Config, _ *sandbox.Options) {
		delete(cfg.Accounts["111122223333"].Roles, "media")
	}).fillIn(t, filepath.Join(dir, "rolecall.yaml"))
	run := command(t, dir, "check", "masters", "--wait=1h")
	stderr, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for _, want := range []string{"note: acme/masters: what is denied is tried again for 1h0m0s", "assume: denied, trying again in 5s"} {
		for !strings.Contains(lines.Text(), want) {
			if !lines.Scan() {
				t.Fatalf("it ends without %q", want)
			}
		}
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run); code != 130 {
		t.Errorf("exit code %d, not 130", code)
	}
}

// A sandbox tells its URL when it is ready, and ends well when told to stop.
func TestSandboxCommand(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"text", "json"} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
				t.Fatal(err)
			}
			run := command(t, dir, "sandbox", "--listen", "127.0.0.1:0", "--verbose", "--output", output)
			var stderr bytes.Buffer
			run.Stderr = &stderr
			stdout, err := run.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			url := strings.TrimSpace(line)
			if output == "json" {
				var ready struct{ URL string }
				if err := json.Unmarshal([]byte(line), &ready); err != nil {
					t.Fatal(err)
				}
				url = ready.URL
			}
			resp, err := http.Get(url + "/acme-masters/in/a.txt")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("an anonymous reader gets %d", resp.StatusCode)
			}
			if err := run.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, run); code != 0 {
				t.Errorf("exit code %d, not 0", code)
			}
			if !strings.Contains(stderr.String(), "GetObject") {
				t.Errorf("the request is not in the log: %s", &stderr)
			}
			left, err := os.ReadDir(filepath.Join(dir, "tmp"))
			if err != nil || len(left) > 0 {
				t.Errorf("temporary files are left: %v %v", left, err)
			}
		})
	}
}

// An interrupt ends the simulator while it waits for its next request.
func TestInterruptedSimulator(t *testing.T) {
	t.Parallel()
	run := command(t, t.TempDir(), "policy", "simulate", "-")
	stdin, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "{}\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"error":`) {
		t.Fatalf("%q, %v", line, err)
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run); code != 130 {
		t.Errorf("exit code %d, not 130", code)
	}
	_ = stdin.Close() // the process is gone
}

// An interrupt ends each command that waits for what it reads: a named pipe may
// never end.
func TestInterruptedReading(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"policy lint PIPE", "policy lint --kind trust PIPE", "policy simulate PIPE", "check out --config PIPE", "check masters --org acme --policy trust=PIPE", "run PIPE --org acme",
		"run job.json --config PIPE", "config check --config PIPE", "policy generate out --config PIPE", "policy lint --connection out --config PIPE job.json",
		"credentials out --config PIPE", "exec out --config PIPE -- true", "connection release out --config PIPE", "dispenser --config PIPE", "sandbox --config PIPE",
		"serve --config PIPE", "token create --operator --config PIPE", "audit verify --config PIPE", "seal rotate --config PIPE",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
				t.Fatal(err)
			}
			pipe := filepath.Join(dir, "PIPE")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			run := command(t, dir, strings.Fields(args)...)
			var stderr bytes.Buffer
			run.Stderr = &stderr
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- run.Wait() }()
			read, over := make(chan error, 1), make(chan struct{})
			defer close(over)
			go func() {
				writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until it is read
				read <- err
				if err == nil {
					<-over
					_ = writer.Close() // nothing was written
				}
			}()
			select {
			case err := <-ended:
				t.Fatalf("it ended without reading: %v\n%s", err, &stderr)
			case err := <-read:
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := run.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err == nil || run.ProcessState.ExitCode() != 130 {
				t.Errorf("%v, not exit code 130: %s", err, &stderr)
			}
		})
	}
}
