package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"unicode"

	"golang.org/x/term"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// output prints what commands say, in the form that the user asked for.
type output struct {
	stdout, stderr io.Writer
	json           bool
	sarif          bool // instead of text, for policy lint
	onOut, onErr   palette
	wide           int                    // columns of the terminal that stdout is; 0: it is none
	screen         *screen                // what is on stderr while a job runs
	wrote          bool                   // the one JSON document is out
	left           atomic.Pointer[string] // directory that stays if the process ends at once
}

func newOutput(sys System, asJSON bool) *output {
	escapes := sys.Getenv("TERM") != "dumb"
	colors := escapes && sys.Getenv("NO_COLOR") == ""
	width := columns(sys.Stderr)
	out := &output{
		stdout: sys.Stdout, json: asJSON, wide: columns(sys.Stdout),
		onOut: palette(colors && columns(sys.Stdout) > 0), onErr: palette(colors && width > 0),
	}
	out.screen = newScreen(sys.Stderr, escapes && width >= lineWidth && !asJSON, out.onErr)
	out.stderr = out.screen
	return out
}

// columns is how wide the terminal is that w leads to; 0 where there is none.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 1
	}
	return width
}

// document prints v as the one JSON document of this run.
func (o *output) document(v any) error {
	o.wrote = true
	text, err := strict.Printable(v)
	if err == nil {
		_, err = o.stdout.Write(text)
	}
	return err
}

// printf writes to stdout.
func (o *output) printf(format string, args ...any) {
	fmt.Fprintf(o.stdout, format, args...)
}

// table aligns cells that end in tabs; flush it.
func (o *output) table() *tabwriter.Writer { return newTable(o.stdout) }

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// note prints something beside the result.
func (o *output) note(format string, args ...any) {
	fmt.Fprintf(o.stderr, "note: %s\n", printable(fmt.Sprintf(format, args...)))
}

// fail prints err and returns the exit code for it.
func (o *output) fail(err error) int {
	errs := rolecall.List(err)
	o.causes(errs)
	errs = errs.Disclosed()
	if o.json {
		if !o.wrote {
			_ = o.document(map[string]any{"errors": errs}) // there is nowhere left to report it
		}
		return exitCode(errs)
	}
	o.errors(errs)
	return exitCode(errs)
}

// causes logs what no error shows: why something is a fault of rolecall's own. The
// hints of such errors then lead there.
func (o *output) causes(errs rolecall.Errors) {
	for _, e := range errs {
		if e.Code == rolecall.Internal && e.Err != nil {
			o.logger(false).Error("internal error", "cause", e.Err)
			e.Hint = "You: report it with its cause, which is logged above on stderr"
		}
	}
}

// errors shows each error with its place and hint on stderr.
func (o *output) errors(errs rolecall.Errors) {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "%s %s\n", o.onErr.paint(red, "error:"), indented(e.Message))
		if e.Pointer != "" {
			fmt.Fprintf(&b, "  at:   %s\n", indented(e.Pointer))
		}
		if e.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", indented(e.Hint))
		}
	}
	_, _ = io.WriteString(o.stderr, b.String()) // there is nowhere left to report it
}

// indented makes foreign text safe to show, with its lines under the first.
func indented(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n        ")
}

// printable keeps names and answers that others chose from steering the
// terminal: control and formatting characters are shown, not obeyed.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

type style string

const (
	red   style = "\x1b[31m"
	green style = "\x1b[32m"
	faint style = "\x1b[2m"
	bold  style = "\x1b[1m"
)

// logger logs on stderr: with verbose all that happens, else only what has no
// other way to be seen.
func (o *output) logger(verbose bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelError}
	if verbose {
		options.Level = slog.LevelDebug
	}
	if o.json {
		return slog.New(slog.NewJSONHandler(o.stderr, options))
	}
	return slog.New(slog.NewTextHandler(o.stderr, options))
}

// palette is whether the place that text goes to takes colours.
type palette bool

func (p palette) paint(s style, text string) string {
	if !p || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}
