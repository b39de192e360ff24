package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

func errorsOf(codes ...rolecall.Code) rolecall.Errors {
	var errs rolecall.Errors
	for _, c := range codes {
		errs = append(errs, &rolecall.Error{Code: c, Message: string(c)})
	}
	return errs
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		errs     rolecall.Errors
		want     int // of a command
		wantOfIt int // of a job that failed so
	}{
		{errorsOf(rolecall.Invalid), 2, 1},
		{errorsOf(rolecall.NotFound), 2, 1},
		{errorsOf(rolecall.Conflict), 2, 1},
		{errorsOf(rolecall.Unauthenticated), 3, 3},
		{errorsOf(rolecall.Forbidden), 3, 3},
		{errorsOf(rolecall.Unavailable), 4, 4},
		{errorsOf(rolecall.Internal), 1, 1},
		{errorsOf(rolecall.Internal, rolecall.Unavailable, rolecall.Forbidden), 3, 3},
		{errorsOf(rolecall.Forbidden, rolecall.Invalid), 2, 1},
	} {
		if got := exitCode(c.errs); got != c.want {
			t.Errorf("%v: %d, not %d", c.errs, got, c.want)
		}
		if got := jobExitCode(rolecall.JobReport{Status: rolecall.Failed, Errors: c.errs}); got != c.wantOfIt {
			t.Errorf("a job with %v: %d, not %d", c.errs, got, c.wantOfIt)
		}
	}
	if got := jobExitCode(rolecall.JobReport{Status: rolecall.Aborted}); got != 130 {
		t.Errorf("an aborted job: %d", got)
	}
}

func TestErrorsAreShownSafely(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	out := &output{stderr: &stderr}
	out.errors(rolecall.Errors{{Code: rolecall.Invalid, Pointer: "/a", Message: "no \x1b[31m\u202ecolour", Hint: "one\ntwo"}})
	want := "error: no \\u001b[31m\\u202ecolour\n  at:   /a\n  hint: one\n        two\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 64 << 20: "64.0 MiB", 5 << 40: "5.0 TiB", 5 << 50: "5120.0 TiB", -2048: "-2.0 KiB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, not %s", n, got, want)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	got := statements([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/in/*"},
		{"Effect":"Deny","NotAction":"s3:GetObject","NotResource":["arn:aws:s3:::b"],"Condition":{"StringNotLike":{"s3:prefix":["in/*"]},"Bool":{"aws:SecureTransport":"false"}}}]}`))
	want := []string{
		"Allow s3:GetObject, s3:PutObject on b/in/*",
		"Deny all but s3:GetObject on all but b if aws:SecureTransport Bool false and s3:prefix StringNotLike in/*",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	got := wrapped("one two three a-word-that-is-too-long four", 9, "  ")
	if want := "one two\n  three\n  a-word-that-is-too-long\n  four"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	b := &bar{label: "a name that is too long", files: 4, done: 1, bytes: 8 << 20, moved: 4 << 20, started: start, ended: start.Add(2 * time.Second)}
	want := "  a name that is … ━━━━━━━━━━━━────────────       1/4    4.0 MiB  2.0 MiB/s"
	if diff := cmp.Diff(want, b.line(false)); diff != "" {
		t.Error(diff)
	}
	b.kept = 3 << 20 // is no speed
	if got := b.pace(); got != "512.0 KiB/s" {
		t.Error(got)
	}
	longest := &bar{label: strings.Repeat("x", 99), files: 9999, done: 9999, bytes: 1, moved: 1023 << 40, state: strings.Repeat("y", 99)}
	if n := len([]rune(longest.line(false))); n > lineWidth {
		t.Errorf("a line of %d columns", n)
	}
}

// What is written while bars are drawn stands above them, and they are drawn
// again below it.
func TestScreenKeepsBarsBelow(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	s := newScreen(&w, true, false)
	b := s.add(&bar{label: "get", started: time.Now()})
	if _, err := s.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	s.change(b, true, func(b *bar) { b.files, b.done = 1, 1 })
	s.settle()
	if _, err := s.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	empty := (&bar{label: "get"}).line(false) + "\n"
	full := (&bar{label: "get", files: 1, done: 1}).line(false) + "\n"
	const up = "\x1b[1A\x1b[J"
	want := empty + up + "a line\n" + empty + up + full + up + full + "the end\n"
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Error(diff)
	}

	var plain bytes.Buffer
	s = newScreen(&plain, false, false)
	s.change(s.add(&bar{label: "get", started: time.Now()}), true, func(b *bar) { b.done = 1 })
	s.settle()
	if plain.Len() > 0 {
		t.Errorf("without a terminal there is %q", plain.String())
	}
}
