package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
)

// A commit whose answer is lost may have been made or not: the error says so,
// and whoever repeats what can be repeated has it once.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	direct := engines.Database(t)
	for name, arrives := range map[string]bool{"the commit arrives": true, "the commit is lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cut atomic.Bool
			s := storetest.Open(t, store.Options{URL: proxy(t, direct, "commit\x00", &cut, arrives)})
			owner := "acme-" + name
			take := func() error { return s.Names().Take(t.Context(), name, owner) }
			cut.Store(true)
			err := take()
			if !errors.Is(err, store.ErrUnknownOutcome) || rolecall.CodeOf(err) != rolecall.Unavailable {
				t.Fatalf("%v", err)
			}
			if got, err := storetest.Open(t, store.Options{URL: direct}).Names().OwnerOf(t.Context(), name); err != nil || (got == owner) != arrives {
				t.Errorf("the name is %q's, %v", got, err)
			}
			if err := take(); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// A connection that breaks before the commit has changed nothing: that the
// database cannot be reached is said.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	var cut atomic.Bool
	s := storetest.Open(t, store.Options{URL: proxy(t, engines.Database(t), "x-42", &cut, true)})
	cut.Store(true)
	err := s.Names().Take(t.Context(), "x-42", "acme")
	if rolecall.CodeOf(err) != rolecall.Unavailable || errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("%v", err)
	}
	if err := s.Names().Take(t.Context(), "x-42", "acme"); err != nil {
		t.Errorf("again: %v", err)
	}
}

// A connection that breaks at any statement of a view or a change says so, and
// not that there is a fault of the service's.
func TestConnectionBreaksAnywhere(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"begin", "settings", "rollback", "commit"} {
		for _, arrives := range []bool{false, true} {
			var cut atomic.Bool
			s := storetest.Open(t, store.Options{URL: proxy(t, engines.Database(t), at, &cut, arrives)})
			setting := func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Setting(ctx, "name")
				if errors.Is(err, store.ErrNone) {
					return nil
				}
				return err
			}
			for _, what := range []func() error{
				func() error { return s.View(t.Context(), setting) },
				func() error { return s.Change(t.Context(), setting) },
			} {
				cut.Store(true)
				for range 3 {
					if err := what(); err != nil && rolecall.CodeOf(err) != rolecall.Unavailable {
						t.Errorf("%s %t: %v", at, arrives, err)
					}
				}
			}
		}
	}
}

// proxy is a way to a database that breaks once cut is set, when a message holds
// the text. Arrives says whether the server gets that message.
func proxy(t *testing.T, to, at string, cut *atomic.Bool, arrives bool) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "proxy") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	socket := filepath.Join(target.Query().Get("host"), ".s.PGSQL.5432")
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(context.WithoutCancel(t.Context()), "unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			go carry(client, server, at, cut, arrives)
		}
	}()
	query := target.Query()
	query.Set("host", dir)
	target.RawQuery = query.Encode()
	return target.String()
}

func carry(client, server net.Conn, at string, cut *atomic.Bool, arrives bool) {
	var broken atomic.Bool
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if !broken.Load() && n > 0 {
				_, _ = client.Write(buffer[:n])
			}
			if err != nil || broken.Load() { // the server has answered
				_ = client.Close()
				_ = server.Close()
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if bytes.Contains(buffer[:n], []byte(at)) && cut.CompareAndSwap(true, false) {
			broken.Store(true)
			if !arrives {
				_ = server.Close()
				_ = client.Close()
				return
			}
		}
		if n > 0 {
			_, _ = server.Write(buffer[:n])
		}
		if err != nil {
			if !errors.Is(err, io.EOF) || !broken.Load() {
				_ = server.Close()
			}
			return
		}
	}
}

// A database that takes no changes is not ready, and says why; one that does not
// answer is not waited for without an end.
func TestNotReady(t *testing.T) {
	t.Parallel()
	o := store.Options{URL: engines.Database(t)}
	s := storetest.Open(t, o)
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	db, err := sql.Open("pgx", o.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}
	other := storetest.Open(t, store.Options{URL: o.URL})
	if err := other.Ready(t.Context()); rolecall.CodeOf(err) != rolecall.Unavailable {
		t.Errorf("%v", err)
	}
	err = other.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, "name", "") })
	if rolecall.CodeOf(err) != rolecall.Unavailable {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := s.Ready(ctx); rolecall.CodeOf(err) != rolecall.Unavailable || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
}
