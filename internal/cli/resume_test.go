package cli_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/sandbox"
)

// interruptible is a job that fetches and delivers a large file, in a world
// whose first upload of a part never ends.
type interruptible struct {
	*site
	dir   string
	hit   chan struct{} // closed when a part has arrived while another hangs
	under []string      // a program and its arguments that run is to have rolecall run by
}

func newInterruptible(t *testing.T) *interruptible {
	t.Helper()
	i := &interruptible{dir: t.TempDir()}
	if err := os.CopyFS(i.dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(i.dir, "acme-keys.json"), 0o600); err != nil { // as its owner has it
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("resumed\n"), 5<<20)
	if err := os.WriteFile(filepath.Join(i.dir, "masters", "in", "large.mov"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	job := `{"tasks": [
		{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["*.mov"]}},
		{"tool": "storage:put", "parameters": {"connection": "delivery", "files": ["*.mov"]}}
	]}`
	if err := os.WriteFile(filepath.Join(i.dir, "job.json"), []byte(job), 0o600); err != nil {
		t.Fatal(err)
	}
	arrived := newSeen("UploadPart")
	i.hit = arrived.done
	i.site = newSite(t, filepath.Join(i.dir, "sandbox.yaml"), func(cfg *sandbox.Config, o *sandbox.Options) {
		o.Log = slog.New(arrived)
		cfg.Faults = append(cfg.Faults, sandbox.Fault{Service: "s3", Operation: "UploadPart", Times: 1, Delay: sandbox.Duration(time.Hour)})
	})
	i.fillIn(t, filepath.Join(i.dir, "rolecall.yaml"))
	return i
}

// interrupt starts the job and sends it a signal in the middle of its upload.
func (i *interruptible) interrupt(t *testing.T, signal syscall.Signal) int {
	t.Helper()
	run := command(t, i.dir, "run", "job.json", "--org", "acme", "--workdir", "work")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-i.hit:
	case <-t.Context().Done():
		t.Fatal("no part came")
	}
	if err := run.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return exitCode(t, run)
}

// journal gives the name of the one that is in the working directory.
func (i *interruptible) journal(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(i.dir, "work", reserved.Dir, "*.journal"))
	if err != nil || len(found) != 1 {
		t.Fatalf("journals: %q, %v", found, err)
	}
	return found[0]
}

// label gives the id of the job whose journal is in the working directory.
func (i *interruptible) label(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(i.journal(t))
	if err != nil {
		t.Fatal(err)
	}
	var begun struct{ Label string }
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&begun); err != nil {
		t.Fatal(err)
	}
	return begun.Label
}

// run runs the job to its end.
func (i *interruptible) run(t *testing.T, more ...string) (report rolecall.JobReport, stderr string) {
	t.Helper()
	run := command(t, i.dir, append([]string{"run", "job.json", "--org", "acme", "--workdir", "work", "--output", "json"}, more...)...)
	if len(i.under) > 0 {
		run.Args = slices.Concat(i.under, []string{run.Path}, run.Args[1:])
		run.Path = run.Args[0]
	}
	var out, said bytes.Buffer
	run.Stdout, run.Stderr = &out, &said
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &said)
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return report, said.String()
}

// whole checks that the job's work is done and nothing of it is left over.
func (i *interruptible) whole(t *testing.T, report rolecall.JobReport) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(i.dir, "masters", "in", "large.mov"))
	if err != nil {
		t.Fatal(err)
	}
	if report.Status != rolecall.Completed || report.Tasks[1].Bytes != int64(len(want)) {
		t.Errorf("%+v", report)
	}
	if got := i.objects(t, "acme-delivery"); len(got) != 1 || got["out/large.mov"] != string(want) {
		t.Errorf("%d objects are delivered, or not the right one", len(got))
	}
	i.noUploads(t)
	left, err := os.ReadDir(filepath.Join(i.dir, "work"))
	if err != nil || len(left) != 1 || left[0].Name() != "large.mov" {
		t.Errorf("in the working directory: %v, %v", left, err)
	}
}

func (i *interruptible) requests(operation string) int {
	n := 0
	for _, e := range i.server.Trail() {
		if e.Operation == operation {
			n++
		}
	}
	return n
}

// A job whose process was killed is taken up again: it has the same id, what
// was fetched is not fetched again, and the upload goes on.
func TestTakenUpAfterAKill(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	i.interrupt(t, syscall.SIGKILL)
	id := i.label(t)
	fetched := i.requests("GetObject")
	report, stderr := i.run(t)
	if report.ID != id || stderr != "" {
		t.Errorf("job %s goes on as %s, and says %q", id, report.ID, stderr)
	}
	if n := i.requests("CreateMultipartUpload"); n != 1 {
		t.Errorf("%d uploads were begun", n)
	}
	if n := i.requests("GetObject"); n != fetched {
		t.Errorf("%d requests fetched again what was there", n-fetched)
	}
	i.whole(t, report)
}

// An interrupt keeps what is done and what is unfinished.
func TestTakenUpAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	if code := i.interrupt(t, syscall.SIGINT); code != 130 {
		t.Errorf("exit code %d, not 130", code)
	}
	id := i.label(t)
	report, _ := i.run(t)
	if report.ID != id {
		t.Errorf("job %s goes on as %s", id, report.ID)
	}
	if n := i.requests("CreateMultipartUpload"); n != 1 {
		t.Errorf("%d uploads were begun", n)
	}
	i.whole(t, report)
}

// Begun anew, a job finds nothing done, and takes back what was unfinished.
func TestBegunAnew(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	i.interrupt(t, syscall.SIGKILL)
	id, fetched := i.label(t), i.requests("GetObject")
	report, stderr := i.run(t, "--fresh")
	if report.ID != id || !strings.Contains(stderr, "taken back") {
		t.Errorf("job %s goes on as %s, and says %q", id, report.ID, stderr)
	}
	if n := i.requests("GetObject"); n == fetched {
		t.Error("nothing was fetched again")
	}
	if n := i.requests("CreateMultipartUpload"); n != 2 {
		t.Errorf("%d uploads were begun", n)
	}
	i.whole(t, report)
}

// A journal that is none, or that rolecall did not write, is not taken up,
// whatever job's id is its label.
func TestForgedJournal(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	i.interrupt(t, syscall.SIGKILL)
	for _, forged := range []string{"none\n", `{"do":"begin","label":"another-session"}` + "\n", `{"do":"begin","label":"` + i.label(t) + `"}` + "\n"} {
		if err := os.WriteFile(i.journal(t), []byte(forged), 0o600); err != nil {
			t.Fatal(err)
		}
		run := command(t, i.dir, "run", "job.json", "--org", "acme", "--workdir", "work")
		said, err := run.CombinedOutput()
		if code := run.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(said), "--fresh") {
			t.Errorf("exit code %d (%v): %s", code, err, said)
		}
	}
	if report, _ := i.run(t, "--fresh"); report.Status != rolecall.Completed {
		t.Errorf("%+v", report)
	}
}

// Only one process at a time works on a job in a directory.
func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	first := command(t, i.dir, "run", "job.json", "--org", "acme", "--workdir", "work")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	<-i.hit
	second := command(t, i.dir, "run", "job.json", "--org", "acme", "--workdir", "work")
	said, err := second.CombinedOutput()
	if code := second.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(said), "another process is at work on this job") {
		t.Errorf("exit code %d (%v): %s", code, err, said)
	}
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, first); code != 130 {
		t.Errorf("exit code %d, not 130", code)
	}
}

// A job that only reads its working directory runs where that cannot be
// written, and says that it cannot be taken up.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	if os.Geteuid() == 0 { // who may write everywhere gives that up, by Debian's util-linux
		i.under = []string{"/usr/bin/setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"}
	}
	work := filepath.Join(i.dir, "work")
	if err := os.CopyFS(work, os.DirFS(filepath.Join(i.dir, "masters", "in"))); err != nil {
		t.Fatal(err)
	}
	job := `{"tasks": [{"tool": "storage:exists", "parameters": {"connection": "masters", "files": ["*.mov"]}}]}`
	if err := os.WriteFile(filepath.Join(i.dir, "job.json"), []byte(job), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(work, 0o700); err != nil {
			t.Error(err)
		}
	})
	report, stderr := i.run(t)
	if report.Status != rolecall.Completed || !strings.Contains(stderr, "is not writable: permission denied") {
		t.Errorf("%+v, %q", report, stderr)
	}
}

// A job is the same with other blanks, and is told of those that are not.
func TestOtherJobs(t *testing.T) {
	t.Parallel()
	i := newInterruptible(t)
	i.interrupt(t, syscall.SIGKILL)
	id, path := i.label(t), filepath.Join(i.dir, "job.json")
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := `{"tasks": [{"tool": "storage:exists", "parameters": {"connection": "masters", "files": ["*.mov"]}}]}`
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := command(t, i.dir, "run", "job.json", "--org", "acme", "--workdir", "work").CombinedOutput()
	if err != nil || !strings.Contains(string(said), "journals of other jobs are in this directory, 1 of them") {
		t.Errorf("%v: %s", err, said)
	}
	if err := os.WriteFile(path, append(first, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	report, _ := i.run(t)
	if report.ID != id {
		t.Errorf("job %s goes on as %s", id, report.ID)
	}
	i.whole(t, report)
}
