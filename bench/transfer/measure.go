package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// work is one thing to measure.
type work struct {
	set
	direction string
}

func (w work) name() string { return w.set.name + "-" + w.direction }

// works returns everything that is measured, in the order of the tables.
func (s stockSizes) works() []work {
	var all []work
	for _, set := range s.all() {
		for _, direction := range []string{"down", "up", "relay"} {
			if set.name != "medium" || direction == "relay" {
				all = append(all, work{set, direction})
			}
		}
	}
	return all
}

// session is one run of all measurements.
type session struct {
	rounds  int
	server  string
	tls     bool
	late    time.Duration
	rate    int64
	dir     string // of uploads and downloads
	works   string
	clients string
	stock   stockSizes

	self    string // this program
	target  *target
	sinks   int
	figures map[string]map[string][]figure // by work and client
}

// measure runs every client on every work, in turn, several times. The peers'
// programs are those in PATH.
func measure(ctx context.Context, args []string, out io.Writer) error {
	s := session{figures: map[string]map[string][]figure{}}
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.IntVar(&s.rounds, "rounds", 5, "how often each client does each work")
	f.StringVar(&s.server, "server", "null", "null, versitygw or minio")
	f.BoolVar(&s.tls, "over-tls", false, "over TLS, with an authority made for the run (null server only)")
	f.DurationVar(&s.late, "late", 0, "how late each answer begins, as from far away (null server only)")
	f.Int64Var(&s.rate, "rate", 0, "bytes a second of each request; 0: as fast as it goes (null server only)")
	f.StringVar(&s.dir, "dir", os.TempDir(), "where a directory for the files is made; the large object needs room for two")
	f.StringVar(&s.works, "works", "", "only these works, as in large-down,small-relay")
	f.StringVar(&s.clients, "clients", "", "only these clients, as in ours,raw,mc")
	s.stock.flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(s.dir, "transfer-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if err := os.WriteFile(filepath.Join(s.dir, "aws.conf"), []byte(awsConfig), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "rclone.conf"), nil, 0o600); err != nil {
		return err
	}
	if s.target, err = s.start(ctx); err != nil {
		return err
	}
	defer s.target.stop()
	fmt.Fprintf(os.Stderr, "load of the machine: %s\n", load())
	if err := s.versions(ctx, out); err != nil {
		return err
	}
	for _, w := range s.stock.works() {
		if !selected(s.works, w.name()) {
			continue
		}
		if err := s.do(ctx, w); err != nil {
			return err
		}
		s.table(out, w)
	}
	return nil
}

// versions prints the versions of the peers. All selected peers must be
// installed, so that none is left out unnoticed.
func (s *session) versions(ctx context.Context, out io.Writer) error {
	for _, peer := range [][]string{{"rclone", "version"}, {"mc", "--version"}, {"aws", "--version"}} {
		if !slices.ContainsFunc(s.all(), func(c client) bool { return selected(s.clients, c.name) && strings.HasPrefix(c.name, peer[0]) }) {
			continue
		}
		cmd := exec.CommandContext(ctx, peer[0], peer[1:]...) //nolint:gosec // the peers' names
		cmd.Env = s.environment()
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w; `make peers` installs the peers, and -clients leaves some out", peer[0], err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		fmt.Fprintln(out, "-", first)
	}
	return nil
}

// load returns the machine's load, since figures of a busy machine mean little.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func selected(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

// tooSlow is how many times as long as the best a client may take in the first
// round to take part in the others.
const tooSlow = 8

// do measures one work. The clients' order rotates from round to round, so that
// none always runs after the same one.
func (s *session) do(ctx context.Context, w work) error {
	if err := s.fill(ctx, w); err != nil {
		return fmt.Errorf("%s: make the files: %w", w.name(), err)
	}
	figures := map[string][]figure{}
	s.figures[w.name()] = figures
	clients := s.clientsFor(w)
	for round := range s.rounds {
		best := fastest(figures)
		for i := range clients {
			c := clients[(i+round)%len(clients)]
			if seen := figures[c.name]; round > 0 && (len(seen) == 0 || seen[0].wall > tooSlow*best) {
				continue
			}
			fig, err := s.attempt(ctx, c, w)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s by %s: %v\n", w.name(), c.name, err)
				continue
			}
			figures[c.name] = append(figures[c.name], fig)
			fmt.Fprintf(os.Stderr, "%-12s %-14s %v\n", w.name(), c.name, fig)
		}
	}
	return nil
}

// clientsFor returns the clients that take part in a work.
func (s *session) clientsFor(w work) []client {
	var clients []client
	for _, c := range s.all() {
		if selected(s.clients, c.name) && c.commands(w, place{}) != nil {
			clients = append(clients, c)
		}
	}
	return clients
}

// attempt runs a client on a work, into an empty place, and checks that
// everything was done. Only the client's own time counts.
func (s *session) attempt(ctx context.Context, c client, w work) (figure, error) {
	s.sinks++
	p := place{source: filepath.Join(s.dir, "source", w.set.name), down: filepath.Join(s.dir, "down"), sink: fmt.Sprintf("sink-%d", s.sinks)}
	if err := os.MkdirAll(p.down, 0o700); err != nil {
		return figure{}, err
	}
	defer os.RemoveAll(p.down)
	if w.direction != "down" {
		if err := s.target.make(ctx, p.sink); err != nil {
			return figure{}, err
		}
		defer s.target.remove(ctx, p.sink)
	}
	fig, err := s.cost(ctx, c.commands(w, p))
	if err != nil {
		return figure{}, err
	}
	count, bytes, err := tally(p.down)
	if w.direction != "down" {
		count, bytes, err = s.target.tally(ctx, p.sink)
	}
	if err == nil && (count != w.count || bytes != w.bytes()) {
		err = fmt.Errorf("left %d files of %d bytes in all, not %d of %d", count, bytes, w.count, w.bytes())
	}
	return fig, err
}

// fill creates the files to upload, once, and uploads what is to be downloaded
// if the server does not generate it.
func (s *session) fill(ctx context.Context, w work) error {
	dir := filepath.Join(s.dir, "source", w.set.name)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	content := newNullServer(nil, io.Discard)
	for _, name := range w.names() {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(content.write(file, 0, w.size), file.Close()); err != nil {
			return err
		}
	}
	return s.target.fill(ctx, s.self, w.set.name, dir)
}
