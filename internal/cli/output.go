package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"unicode"

	"golang.org/x/term"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// output prints what commands say, in the form that the user asked for.
type output struct {
	stdout       *result
	stderr       io.Writer
	json         bool
	sarif        bool // instead of text, for policy lint
	onOut, onErr palette
	wide         int                    // columns of the terminal that stdout is; 0: it is none
	wideErr      int                    // likewise of stderr
	screen       *screen                // what is on stderr while a job runs
	wrote        bool                   // the one JSON document is out
	left         atomic.Pointer[string] // directory that stays if the process ends at once
}

func newOutput(sys System, asJSON bool) *output {
	escapes := sys.Getenv("TERM") != "dumb"
	colors := escapes && sys.Getenv("NO_COLOR") == ""
	width := sys.columns(sys.Stderr)
	out := &output{
		stdout: &result{w: sys.Stdout}, json: asJSON, wide: sys.columns(sys.Stdout), wideErr: width,
		onOut: palette(colors && sys.columns(sys.Stdout) > 0), onErr: palette(colors && width > 0),
	}
	out.screen = newScreen(sys.Stderr, escapes && width >= lineWidth && !asJSON, out.onErr)
	out.stderr = out.screen
	return out
}

// columns is how wide the terminal is that w leads to; 0 where there is none.
func (sys System) columns(w io.Writer) int {
	if sys.terminal > 0 {
		return sys.terminal
	}
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
	if err != nil {
		return err
	}
	_, _ = o.stdout.Write(text)
	return o.stdout.lost()
}

// result is where the result of a command goes. It keeps the first error: what
// could not be written is no success.
type result struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (r *result) Write(text []byte) (int, error) {
	n, err := r.w.Write(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// lost returns the error for a result that could not be written, nil if all was.
func (r *result) lost() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		return nil
	}
	return &rolecall.Error{Code: rolecall.Internal, Message: "what the command did is done, and its result cannot be written: " + r.err.Error(), Hint: "You: see where standard output leads"}
}

// printf writes whole lines to stdout, broken between words as the terminal is
// wide.
func (o *output) printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if o.wide > 0 {
		text = fitted(text, o.wide)
	}
	_, _ = io.WriteString(o.stdout, text)
}

// verbatim writes to stdout what is to be copied from there: documents and
// commands, which are not broken.
func (o *output) verbatim(format string, args ...any) {
	fmt.Fprintf(o.stdout, format, args...)
}

// rows returns the rows of a table, aligned, or, where the terminal is too narrow
// for that, the cells of each row below its first.
func (o *output) rows(rows [][]string) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(table, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	table.Flush()
	fits := true
	for line := range strings.Lines(text.String()) {
		fits = fits && width(strings.TrimRight(line, "\n")) <= o.wide
	}
	if o.wide == 0 || fits {
		return text.String()
	}
	text.Reset()
	for _, cells := range rows {
		first := strings.TrimLeft(cells[0], "\n ")
		lead := cells[0][:len(cells[0])-len(first)]
		indent := strings.Repeat(" ", strings.Count(lead, " ")+4)
		if first != "" {
			fmt.Fprintf(&text, "%s%s\n", lead, wrapped(first, o.wide-len(indent), indent))
		}
		for _, cell := range cells[1:] {
			if cell != "" {
				fmt.Fprintf(&text, "%s%s\n", indent, wrapped(cell, o.wide-len(indent), indent))
			}
		}
	}
	return text.String()
}

// note prints something beside the result.
func (o *output) note(format string, args ...any) {
	fmt.Fprintf(o.stderr, "note: %s\n", o.beside(fmt.Sprintf(format, args...), 6, 6))
}

// fail prints err and returns the exit code for it.
func (o *output) fail(err error) int {
	errs := rolecall.List(err)
	o.causes(errs)
	errs = errs.Disclosed()
	if o.json {
		if !o.wrote {
			_ = o.document(map[string]any{"errors": errs})
		}
		if o.stdout.lost() == nil {
			return exitCode(errs)
		}
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
		fmt.Fprintf(&b, "%s %s\n", o.onErr.paint(red, "error:"), o.beside(e.Message, 7, 8))
		if e.Pointer != "" {
			fmt.Fprintf(&b, "  at:   %s\n", o.beside(e.Pointer, 8, 8))
		}
		if e.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", o.beside(e.Hint, 8, 8))
		}
	}
	_, _ = io.WriteString(o.stderr, b.String()) // there is nowhere left to report it
}

// beside makes text safe to show on stderr, where it begins in a column: its lines,
// which break between words as the terminal is wide, are indented.
func (o *output) beside(text string, column, indent int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if lines[i] = printable(line); o.wideErr > 0 {
			lines[i] = wrapped(line, o.wideErr-max(column, indent), strings.Repeat(" ", indent))
		}
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
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
func (o *output) logger(verbose bool) *slog.Logger { return o.logs(slog.LevelError, verbose) }

// serviceLogger is logger for a service, whose log is what its operator has: what
// it does is in it, too.
func (o *output) serviceLogger(verbose bool) *slog.Logger { return o.logs(slog.LevelInfo, verbose) }

func (o *output) logs(least slog.Level, verbose bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: least}
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
