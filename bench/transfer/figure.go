package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// figure is the cost of one run of a client, for all its processes together.
type figure struct {
	wall, cpu time.Duration
	peak      int64 // bytes of memory
}

// String formats the figure for the log of a run.
func (f figure) String() string {
	return fmt.Sprintf("%6.2f s, %6.2f s of CPU, %4d MiB", f.wall.Seconds(), f.cpu.Seconds(), f.peak>>20)
}

// timed runs a program and writes its cost to file descriptor 3. It is a
// process between the runner and the client because a new process begins with
// the peak memory of its parent: this one is small, the runner may be large.
func timed(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) == 0 {
		return errors.New("timed wants a program")
	}
	syscall.CloseOnExec(figureFile)
	out := os.NewFile(figureFile, "figure")
	defer out.Close()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // what to run is the caller's choice
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begun := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return err
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not tell what a process used")
	}
	fmt.Fprintln(out, int64(time.Since(begun)), int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()), used.Maxrss<<10)
	return err
}

const (
	figureFile = 3
	maxStderr  = 500 // of what a client says before it fails
)

// cost runs the commands as a pipeline, and returns their cost together.
func (s *session) cost(ctx context.Context, commands []command) (figure, error) {
	var running []*process
	var input *os.File
	for i, c := range commands {
		p, err := s.begin(ctx, stage{c, input, i < len(commands)-1})
		if err != nil {
			return figure{}, err
		}
		running, input = append(running, p), p.next
	}
	var all figure
	var errs error
	for _, p := range running {
		f, err := p.end()
		errs = errors.Join(errs, err)
		all = figure{wall: max(all.wall, f.wall), cpu: all.cpu + f.cpu, peak: all.peak + f.peak}
	}
	return all, errs
}

// process is one command under timed.
type process struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	figure *os.File
	next   *os.File // its output; nil: not read
}

// stage is a command in a pipeline.
type stage struct {
	command
	input *os.File // nil: none
	piped bool     // its output goes to another command
}

func (s *session) begin(ctx context.Context, c stage) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, s.self, append([]string{"timed"}, c.args...)...)} //nolint:gosec // this program
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.Env, p.cmd.Stderr = append(s.environment(), c.env...), &p.stderr
	var given []*os.File // closed here when the process has them
	defer func() {
		for _, file := range given {
			file.Close()
		}
	}()
	if c.input != nil {
		p.cmd.Stdin, given = c.input, append(given, c.input)
	}
	reading, writing, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.figure, given, p.cmd.ExtraFiles = reading, append(given, writing), []*os.File{writing}
	if c.piped {
		if p.next, writing, err = os.Pipe(); err != nil {
			return nil, err
		}
		p.cmd.Stdout, given = writing, append(given, writing)
	}
	return p, p.cmd.Start()
}

// environment returns an environment without the user's own configuration.
func (s *session) environment() []string {
	env := []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	if s.target.ca != "" {
		env = append(env, "SSL_CERT_FILE="+s.target.ca)
	}
	return env
}

func (p *process) end() (figure, error) {
	defer p.figure.Close()
	var wall, cpu, peak int64
	_, unread := fmt.Fscan(p.figure, &wall, &cpu, &peak)
	if err := p.cmd.Wait(); err != nil {
		text := p.stderr.String()
		return figure{}, fmt.Errorf("%w: %s", err, text[max(0, len(text)-maxStderr):])
	}
	return figure{time.Duration(wall), time.Duration(cpu), peak}, unread
}

func wallOf(f figure) float64 { return f.wall.Seconds() }
func cpuOf(f figure) float64  { return f.cpu.Seconds() }
func peakOf(f figure) float64 { return float64(f.peak) }

// median returns the median, or NaN of no figures.
func median(figures []figure, of func(figure) float64) float64 {
	values := make([]float64, len(figures))
	for i, f := range figures {
		values[i] = of(f)
	}
	slices.Sort(values)
	switch n := len(values); {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return values[n/2]
	default:
		return (values[n/2-1] + values[n/2]) / 2
	}
}

// fastest returns the shortest time of the real clients.
func fastest(figures map[string][]figure) time.Duration {
	best := time.Duration(math.MaxInt64 / tooSlow)
	for name, seen := range figures {
		if name == "raw" {
			continue
		}
		for _, f := range seen {
			best = min(best, f.wall)
		}
	}
	return best
}

// table writes the medians of one work, and compares ours with the best peer in
// each column, whichever that is, and with the limit.
func (s *session) table(out io.Writer, w work) {
	figures := s.figures[w.name()]
	rate, unit, unitCount, cost := float64(w.bytes())/(1<<20), "MiB/s", float64(w.bytes())/(1<<30), "CPU s/GiB"
	if w.count > 1 {
		rate, unit, unitCount, cost = float64(w.count), "objects/s", float64(w.count)/1000, "CPU ms/object"
	}
	fmt.Fprintf(out, "\n%s, %s server%s, %d rounds\n\n", w.title(), s.server, map[bool]string{true: " over TLS"}[s.tls], s.rounds)
	fmt.Fprintf(out, "| client | seconds (least–most) | of raw's | %s | %s | of raw's | peak MiB |\n|---|---|---|---|---|---|---|\n", unit, cost)
	for _, c := range s.clientsFor(w) {
		f := figures[c.name]
		if len(f) == 0 {
			fmt.Fprintf(out, "| %s | – | – | – | – | – | – |\n", c.name)
			continue
		}
		quick, slow := extremes(f)
		fmt.Fprintf(out, "| %s | %.2f (%.2f–%.2f) | %s | %.0f | %.2f | %s | %.0f |\n", c.name,
			median(f, wallOf), quick, slow, ratio(f, figures["raw"], wallOf), rate/median(f, wallOf),
			median(f, cpuOf)/unitCount, ratio(f, figures["raw"], cpuOf), median(f, peakOf)/(1<<20))
	}
	fmt.Fprintln(out)
	for _, column := range []struct {
		name string
		of   func(figure) float64
	}{{"wall", wallOf}, {"CPU", cpuOf}, {"memory", peakOf}} {
		own := median(figures["ours"], column.of)
		var parts []string
		if name, best := s.bestPeer(w, column.of); name != "" {
			parts = append(parts, fmt.Sprintf("%.2f of the best peer's (%s)", own/best, name))
		}
		if limit := median(figures["raw"], column.of); !math.IsNaN(limit) {
			parts = append(parts, fmt.Sprintf("%.2f of the limit", own/limit))
		}
		fmt.Fprintf(out, "- ours, %s: %s\n", column.name, strings.Join(parts, ", "))
	}
}

// ratio returns a dash if there is no limit to compare with.
func ratio(figures, limit []figure, of func(figure) float64) string {
	if len(limit) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(figures, of)/median(limit, of))
}

func (s *session) bestPeer(w work, of func(figure) float64) (name string, least float64) {
	for _, c := range s.clientsFor(w) {
		m := median(s.figures[w.name()][c.name], of)
		if c.peer && !math.IsNaN(m) && (name == "" || m < least) {
			name, least = c.name, m
		}
	}
	return name, least
}

func extremes(figures []figure) (least, most float64) {
	byWall := func(a, b figure) int { return cmp.Compare(a.wall, b.wall) }
	return slices.MinFunc(figures, byWall).wall.Seconds(), slices.MaxFunc(figures, byWall).wall.Seconds()
}

func (w work) title() string {
	size := fmt.Sprintf("%d MiB", w.size>>20)
	if w.size < 1<<20 {
		size = fmt.Sprintf("%d KiB", w.size>>10)
	}
	return fmt.Sprintf("%d × %s %s", w.count, size, w.direction)
}
