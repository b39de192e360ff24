package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/state"
)

func stepped(result rolecall.CheckResult, layer rolecall.CheckLayer) rolecall.CheckReport {
	all := rolecall.CheckPass
	if result == rolecall.CheckFail {
		all = rolecall.CheckFail
	}
	return rolecall.CheckReport{Result: all, Steps: []rolecall.CheckStep{{Step: "list", Result: result, Layer: layer}}}
}

func TestExitOfChecks(t *testing.T) {
	t.Parallel()
	pass, warn := stepped(rolecall.CheckPass, ""), stepped(rolecall.CheckWarn, rolecall.LayerNetwork)
	denied, unreached := stepped(rolecall.CheckFail, rolecall.LayerRole), stepped(rolecall.CheckFail, rolecall.LayerNetwork)
	endpoint, denies := stepped(rolecall.CheckFail, ""), stepped(rolecall.CheckFail, "")
	endpoint.Steps[0].Candidates = []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerName}
	denies.Steps[0].Candidates = []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerBucket}
	drift := rolecall.CheckReport{Result: rolecall.CheckDrift}
	for name, test := range map[string]struct {
		reports []rolecall.CheckReport
		want    error
	}{
		"none":                   {nil, nil},
		"all well":               {[]rolecall.CheckReport{pass, warn}, nil},
		"one denied":             {[]rolecall.CheckReport{pass, denied}, shown(exitFailed)},
		"one drifted":            {[]rolecall.CheckReport{drift, pass}, shown(exitFailed)},
		"not reached":            {[]rolecall.CheckReport{unreached, pass}, shown(exitUnavailable)},
		"no answer":              {[]rolecall.CheckReport{endpoint, pass}, shown(exitUnavailable)},
		"an answer, without TLS": {[]rolecall.CheckReport{denies}, shown(exitFailed)},
		"not reached and worse":  {[]rolecall.CheckReport{unreached, denied}, shown(exitFailed)},
	} {
		if got := exitOfChecks(test.reports...); got != test.want { //nolint:errorlint // the very value
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// records opens the records of checks in a state directory.
func records(t *testing.T, dir string) check.Records {
	t.Helper()
	d, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d.Checks()
}

// A connection that changed a moment ago is given time; one that was never
// seen before is not known to have changed.
func TestWaitsAfterAChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		records, out := records(t, dir), &output{stderr: io.Discard}
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		r := check.Request{Organization: rolecall.Organization{APIName: "acme"}, Connection: rolecall.Connection{Name: "masters", Bucket: "a"}}
		waits := func(c checkCommand) time.Duration {
			var waits time.Duration
			_, _, err := check.Recorded(interrupted, r, unconnected{}, records, func(r *check.Request) {
				c.begin(out)(r)
				waits = r.Wait
			}, nil)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			return waits
		}
		if got := waits(checkCommand{}); got != 0 {
			t.Errorf("at first: %v", got)
		}
		r.Connection.Bucket = "b"
		if got := waits(checkCommand{}); got != check.Spreads {
			t.Errorf("changed: %v", got)
		}
		time.Sleep(90 * time.Second) // of the bubble's fake clock
		if got := waits(checkCommand{}); got != 30*time.Second {
			t.Errorf("after a while: %v", got)
		}
		if got := waits(checkCommand{Wait: wait{true, 0}}); got != 0 {
			t.Errorf("asked not to: %v", got)
		}
		time.Sleep(time.Hour) // of the bubble's fake clock
		if got := waits(checkCommand{}); got != 0 {
			t.Errorf("long after: %v", got)
		}
		if got := waits(checkCommand{Wait: wait{true, time.Hour}}); got != time.Hour {
			t.Errorf("asked to: %v", got)
		}
		// Each principal's checks are its own.
		for range 2 {
			r.Principal.Name = "staging"
			if got := waits(checkCommand{}); got != 0 {
				t.Errorf("as another principal: %v", got)
			}
			r.Principal.Name = ""
			if got := waits(checkCommand{}); got != 0 {
				t.Errorf("as the first again: %v", got)
			}
		}
	})
}

// unconnected makes checks that reach nothing.
type unconnected struct{}

func (unconnected) Check(ctx context.Context, r check.Request, observe func(check.Event)) rolecall.CheckReport {
	return check.Run(ctx, r, &access.Access{}, observe)
}

// A check that is interrupted tells as a document what it found until then.
func TestInterruptedCheckIsReported(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := check.Request{Organization: rolecall.Organization{APIName: "acme"}, Connection: rolecall.Connection{Name: "masters"}}
	for _, all := range []bool{false, true} {
		var stdout, stderr bytes.Buffer
		out := &output{stdout: &result{w: &stdout}, stderr: &stderr, json: true, screen: newScreen(&stderr, false, false)}
		c, records := &checkCommand{All: all}, records(t, t.TempDir())
		err := c.one(ctx, out, records, r, unconnected{})
		want := `"message": "the check was interrupted"`
		if all {
			stdout.Reset()
			err, want = c.all(ctx, out, records, []check.Request{r}, unconnected{}), `"results": []`
		}
		if !errors.Is(err, context.Canceled) || !strings.Contains(stdout.String(), want) {
			t.Errorf("all %t: %v\n%s", all, err, stdout.String())
		}
	}

	// And as text without what could be done about it.
	var stdout bytes.Buffer
	live := newCheckProgress(&output{stdout: &result{w: &stdout}, screen: newScreen(&stdout, false, false)})
	failed := check.Event{Kind: check.Ended, Step: "list", Ended: rolecall.CheckStep{
		Step: "list", Result: rolecall.CheckFail, Message: "denied", Patch: &rolecall.Patch{Document: "setting", Target: "the bucket", Commands: []string{"aws s3api"}},
	}}
	live.brief = true
	live.observe(failed)
	if got := stdout.String(); !strings.Contains(got, "denied") || strings.Contains(got, "aws s3api") {
		t.Errorf("interrupted: %s", got)
	}
}

// On a terminal the steps under way stand below those that ended.
func TestCheckOnATerminal(t *testing.T) {
	t.Parallel()
	var terminal bytes.Buffer
	out := &output{stdout: &result{w: &terminal}, onOut: true, onErr: true, wide: 80, screen: newScreen(&terminal, true, true)}
	out.stderr = out.screen
	live := newCheckProgress(out)
	for _, e := range []check.Event{
		{Kind: check.Started, Step: "arn"},
		{Kind: check.Started, Step: "list"},
		{Kind: check.Ended, Step: "arn", Ended: rolecall.CheckStep{Step: "arn", Result: rolecall.CheckPass, Message: "well \x1b[2J formed"}},
		{Kind: check.Retrying, Step: "list", Pause: 5 * time.Second},
		{Kind: check.Ended, Step: "list", Ended: rolecall.CheckStep{Step: "list", Result: rolecall.CheckFail, Layer: rolecall.LayerRole, Message: "denied"}},
		{Kind: check.Ended, Step: "read", Ended: rolecall.CheckStep{Step: "read", Result: rolecall.CheckSkip, Message: "not reached"}},
	} {
		live.observe(e)
	}
	out.screen.settle()
	if got, want := standing(terminal.String()), "✓ arn                well \\u001b[2J formed\n✗ list               denied\n       at fault: role\n– read               not reached\n"; got != want {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(terminal.String(), "denied, trying again in 5s") {
		t.Error("nothing tells of trying again")
	}
}

// Texts are broken between words, at the terminal's width; documents and
// commands, which are copied, are not.
func TestCheckFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, wide := range []int{40, 59, 60, 80, 200} {
		var terminal bytes.Buffer
		out := &output{stdout: &result{w: &terminal}, onOut: true, wide: wide, screen: newScreen(&terminal, false, false)}
		live := newCheckProgress(out)
		live.observe(check.Event{Kind: check.Ended, Step: "external-id-absent", Ended: rolecall.CheckStep{
			Step: "external-id-absent", Result: rolecall.CheckFail, Candidates: []rolecall.CheckLayer{rolecall.LayerOrganization, rolecall.LayerBucket, rolecall.LayerPrincipal},
			Message: strings.Repeat("the role can be assumed without an external id ", 5), Hint: strings.Repeat("replace the trust policy ", 9),
			Patch: &rolecall.Patch{Document: "setting", Target: "the bucket", Commands: []string{"aws " + strings.Repeat("s3api ", 50)}},
		}})
		for line := range strings.Lines(standing(terminal.String())) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > wide && !strings.Contains(line, "s3api") {
				t.Errorf("%d columns: %d in %q", wide, n, line)
			}
		}
		if !strings.Contains(terminal.String(), strings.Repeat("s3api ", 50)) {
			t.Errorf("%d columns: the command is broken", wide)
		}
	}
}

// With stdout elsewhere nothing is drawn on stderr: both may be one terminal in
// the end.
func TestCheckIntoAPipe(t *testing.T) {
	t.Parallel()
	var stdout, terminal bytes.Buffer
	out := &output{stdout: &result{w: &stdout}, screen: newScreen(&terminal, true, true)}
	out.stderr = out.screen
	live := newCheckProgress(out)
	live.observe(check.Event{Kind: check.Started, Step: "arn"})
	live.observe(check.Event{Kind: check.Ended, Step: "arn", Ended: rolecall.CheckStep{Step: "arn", Result: rolecall.CheckPass, Message: "well formed"}})
	out.screen.settle()
	if terminal.Len() > 0 || stdout.String() != "pass arn                well formed\n" {
		t.Errorf("the terminal shows %q, the pipe has %q", terminal.String(), stdout.String())
	}
}

// standing is what stands on a terminal at the end: colours aside, an erasure
// takes away the lines that it goes up.
func standing(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		for strings.HasPrefix(line, "\x1b[") {
			code, rest, _ := strings.Cut(line[2:], "A\x1b[J")
			if n := len(code); n != 1 {
				break
			}
			lines, line = lines[:len(lines)-int(code[0]-'0')], rest
		}
		for _, color := range []style{red, green, faint, bold, "\x1b[0m"} {
			line = strings.ReplaceAll(line, string(color), "")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// A report goes into what is there, and takes the place of files alone.
func TestReportGoesWhereItIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	report := map[string]string{"connection": "masters"}
	const text = "{\n  \"connection\": \"masters\"\n}\n"

	if err := os.WriteFile(path("earlier"), []byte(strings.Repeat("x", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("target"), []byte(strings.Repeat("x", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", path("link")); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"new": 0o600, "earlier": 0o600, "link": os.ModeSymlink | 0o777} {
		if err := writeReport(path(name), report); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path(name))
		if err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if info, err := os.Lstat(path(name)); err != nil || info.Mode() != mode {
			t.Errorf("%s is %v, %v", name, info.Mode(), err)
		}
	}

	if err := syscall.Mkfifo(path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path("pipe"), os.O_RDWR, 0) // so that neither end waits for the other
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := writeReport(path("pipe"), report); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path("pipe")); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("the pipe is %v, %v", info.Mode(), err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(reader, got); err != nil || string(got) != text {
		t.Errorf("the pipe got %q, %v", got, err)
	}

	if err := writeReport(dir, report); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("a directory: %v", err)
	}
}
