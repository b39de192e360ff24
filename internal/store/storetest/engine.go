// Package storetest runs tests on each engine that stores work with: SQLite,
// and a PostgreSQL server that it starts.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/rolecall/rolecall/internal/store"
)

// Engines is what Main started. A test calls Each, or Options, on it.
type Engines struct {
	directory string // of PostgreSQL's socket
	databases atomic.Int64
}

// Run starts a PostgreSQL server, runs the package's tests and stops it. It is
// for TestMain; the result is the process's exit code.
func Run(m *testing.M, engines *Engines) int {
	directory, err := os.MkdirTemp("", "rolecall-pg")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(directory) }()
	stop, err := start(directory)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot start PostgreSQL: %v\nmake deps installs Debian's postgresql\n", err)
		return 1
	}
	defer stop()
	engines.directory = directory
	return m.Run()
}

// Each runs a test on each engine.
func (e *Engines) Each(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{Path: filepath.Join(t.TempDir(), "rolecall.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{URL: e.Database(t)})
	})
}

// Open opens a new store that is closed with the test.
func Open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Database returns the URL of a new, empty database.
func (e *Engines) Database(t testing.TB) string {
	t.Helper()
	name := "test" + strconv.FormatInt(e.databases.Add(1), 10)
	db, err := sql.Open("pgx", e.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return e.url(name)
}

func (e *Engines) url(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {e.directory}, "user": {"rolecall"}}.Encode()
}

// start starts a server that listens on a socket in the directory only. It
// returns a function that stops it.
func start(directory string) (stop func(), err error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged(directory)
	if err != nil {
		return nil, err
	}
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), filepath.Join(bin, name), args...) //nolint:gosec // Debian's PostgreSQL
		cmd.Dir, cmd.SysProcAttr = directory, &syscall.SysProcAttr{Credential: as}
		return cmd
	}
	data := filepath.Join(directory, "data")
	if out, err := run("initdb", "--auth=trust", "--username=rolecall", "--no-sync", "--encoding=UTF8", "--locale=C", "-D", data).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := run("postgres", "-D", data, "-k", directory, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300")
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait() // its log says why it ended
	}()
	stop = func() {
		_ = server.Process.Signal(syscall.SIGINT) // without waiting for its clients
		<-ended
	}
	if err := answers(directory, ended); err != nil {
		stop()
		return nil, fmt.Errorf("%w\n%s", err, log.String())
	}
	return stop, nil
}

// answers waits until the server takes connections.
func answers(directory string, ended <-chan struct{}) error {
	db, err := sql.Open("pgx", (&Engines{directory: directory}).url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

// binaries returns where Debian's newest PostgreSQL is.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no /usr/lib/postgresql/VERSION/bin/initdb")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged returns the user that the server runs as, since it refuses to be
// root: the package's own, who then owns the directory. It is nil for oneself.
func unprivileged(directory string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(directory, int(uid), int(gid))
}
