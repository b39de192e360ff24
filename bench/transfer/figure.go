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

// figure is what one run of a client cost: all its processes together.
type figure struct {
	wall, cpu time.Duration
	peak      int64 // bytes of memory
}

// String is for watching a run.
func (f figure) String() string {
	return fmt.Sprintf("%6.2f s, %6.2f s of CPU, %4d MiB", f.wall.Seconds(), f.cpu.Seconds(), f.peak>>20)
}

// timed runs the commands, the output of each going into the next. A child's
// peak includes what its parent had when it was made, so that the runner has
// to be small: 20 MiB or so are the least that shows.
func (t *target) timed(ctx context.Context, commands []command) (figure, error) {
	var started []*exec.Cmd
	var said bytes.Buffer
	var last *os.File // the reading end for the next one
	begun := time.Now()
	for i, c := range commands {
		cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...) //nolint:gosec // what to run is the caller's choice
		cmd.Env, cmd.Stderr = append(os.Environ(), c.env...), &said
		if last != nil {
			cmd.Stdin = last
		}
		var writes *os.File
		if i < len(commands)-1 {
			var err error
			if last, writes, err = os.Pipe(); err != nil {
				return figure{}, err
			}
			cmd.Stdout = writes
		}
		err := cmd.Start()
		if in, ok := cmd.Stdin.(*os.File); ok {
			in.Close()
		}
		if writes != nil {
			writes.Close()
		}
		if err != nil {
			return figure{}, err
		}
		started = append(started, cmd)
	}
	var fig figure
	var failed error
	for _, cmd := range started {
		failed = errors.Join(failed, cmd.Wait())
		used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return figure{}, errors.New("this system does not tell what a process used")
		}
		fig.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		fig.peak += used.Maxrss << 10
	}
	fig.wall = time.Since(begun)
	if failed != nil {
		failed = fmt.Errorf("%w: %s", failed, said.String())
	}
	return fig, failed
}

func wallOf(f figure) float64 { return f.wall.Seconds() }
func cpuOf(f figure) float64  { return f.cpu.Seconds() }
func peakOf(f figure) float64 { return float64(f.peak) }

// median is NaN of none.
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

func fastest(figures map[string][]figure) time.Duration {
	best := time.Duration(math.MaxInt64 / hopeless)
	for _, seen := range figures {
		for _, f := range seen {
			best = min(best, f.wall)
		}
	}
	return best
}

// table writes the medians of one work, and what ours is to the best of the
// peers in each column, whoever that is, and to the limit.
func (s *session) table(out io.Writer, w work) {
	figures := s.figures[w.name()]
	rate, unit := float64(w.bytes())/(1<<20), "MiB/s"
	if w.count > 1 {
		rate, unit = float64(w.count), "objects/s"
	}
	gib := float64(w.bytes()) / (1 << 30)
	fmt.Fprintf(out, "\n%s, %s server%s, %d rounds\n\n", w.title(), s.server, map[bool]string{true: " over TLS"}[s.tls], s.rounds)
	fmt.Fprintf(out, "| client | seconds (least–most) | %s | CPU s/GiB | peak MiB |\n|---|---|---|---|---|\n", unit)
	for _, c := range s.field(w) {
		f := figures[c.name]
		if len(f) == 0 {
			fmt.Fprintf(out, "| %s | – | – | – | – |\n", c.name)
			continue
		}
		quick, slow := extremes(f)
		fmt.Fprintf(out, "| %s | %.2f (%.2f–%.2f) | %.0f | %.2f | %.0f |\n", c.name,
			median(f, wallOf), quick, slow, rate/median(f, wallOf), median(f, cpuOf)/gib, median(f, peakOf)/(1<<20))
	}
	fmt.Fprintln(out)
	for _, column := range []struct {
		name string
		of   func(figure) float64
	}{{"wall", wallOf}, {"CPU", cpuOf}, {"memory", peakOf}} {
		own := median(figures["ours"], column.of)
		var said []string
		if name, best := s.best(w, column.of); name != "" {
			said = append(said, fmt.Sprintf("%.2f of the best peer's (%s)", own/best, name))
		}
		if limit := median(figures["raw"], column.of); !math.IsNaN(limit) {
			said = append(said, fmt.Sprintf("%.2f of the limit", own/limit))
		}
		fmt.Fprintf(out, "- ours, %s: %s\n", column.name, strings.Join(said, ", "))
	}
}

func (s *session) best(w work, of func(figure) float64) (name string, least float64) {
	for _, c := range s.field(w) {
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
