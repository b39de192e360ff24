package server_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
)

// A process that takes the directory over and is killed, whenever that is, leaves
// all of it to the next one.
func TestTakeOverKilled(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := unserved(t, store.Options{}, two)
		before := w.mustCommand()
		before.check(t, "acme", "masters")
		key, globex := before.journalKey(t, "acme"), before.orgs["globex"].ExternalID
		before.close(t)
		kept := filepath.Join(w.dir, "rolecall-state")
		whole := 0
		times, apart := 25, 8*time.Millisecond
		if o.URL != "" {
			times, apart = 8, 25*time.Millisecond
		}
		for i := range times {
			each := *w
			each.dir, each.database = t.TempDir(), o.URL
			if o.URL != "" {
				each.database = engines.Database(t)
			}
			each.declare(two)
			if err := os.CopyFS(filepath.Join(each.dir, "rolecall-state"), os.DirFS(kept)); err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), takeOverHere+"="+each.path(), takeOverTo+"="+each.database)
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			// At another moment each time: none of them is special.
			time.AfterFunc(time.Duration(i)*apart, func() { _ = child.Process.Kill() })
			done := child.Wait() == nil
			if done {
				whole++
			}
			next := each.mustCommand()
			if next.orgs["globex"].ExternalID != globex || !bytes.Equal(next.journalKey(t, "acme"), key) {
				t.Errorf("after %d: globex has %v, and had %v", i, next.orgs["globex"].ExternalID, globex)
			}
			verdicts, err := next.Verdicts()
			if err != nil {
				t.Fatal(err)
			}
			var claimed *credential.ClaimedError
			if _, err := verdicts.Get(t.Context(), credential.Subject{Organization: "globex", RoleARN: "arn:aws:iam::111122223333:role/ready"}); !errors.As(err, &claimed) {
				t.Errorf("after %d: the claim: %v", i, err)
			}
			next.close(t)
			if mark := filepath.Join(each.dir, "rolecall-state", "registry.json"); o.URL != "" || done {
				if _, err := os.Stat(mark); err != nil {
					t.Errorf("after %d: %v", i, err)
				}
			}
		}
		t.Logf("%d of %d were not killed in time", whole, times)
	})
}

// A process that is killed after it left its mark, and before its change was
// made, leaves all of it to the next one, too.
func TestTakeOverHalfDone(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, two)
	before := w.mustCommand()
	before.check(t, "acme", "masters")
	key, globex := before.journalKey(t, "acme"), before.orgs["globex"].ExternalID
	before.close(t)
	dir, err := state.Open(filepath.Join(w.dir, "rolecall-state"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := dir.Export(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || kept.IsEmpty() {
		t.Fatalf("%+v, %v", kept, err)
	}
	path, err := dir.Database()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := service.NewKeyring(func() (*seal.Keys, error) {
		text, err := dir.SealingKeys(func() []byte {
			keys, _ := seal.New() // fails below
			text, _ := keys.Text()
			return text
		})
		if err != nil {
			return nil, err
		}
		return seal.Read(text)
	})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := service.Database(t.Context(), db, ".")
	if err != nil {
		t.Fatal(err)
	}
	killed := errors.New("killed")
	err = service.TakeOver(t.Context(), db, keyring, ".", kept, func() error {
		return errors.Join(killed, dir.KeepRegistry(state.Registry{Directory: ".", Database: id, Engine: "SQLite"}))
	})
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	next := w.mustCommand()
	defer next.close(t)
	if next.orgs["globex"].ExternalID != globex || !bytes.Equal(next.journalKey(t, "acme"), key) {
		t.Errorf("globex has %v, and had %v", next.orgs["globex"].ExternalID, globex)
	}
}

// A database of yesterday is said to be one.
func TestOldDatabase(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := unserved(t, o, "{}")
		log := &lines{}
		w.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
		w.start()
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.end()
		w.start()
		w.end() // which compares first
		if text := log.take(); text != "" {
			t.Errorf("the log says\n%s", text)
		}
		if _, err := w.sql().ExecContext(t.Context(), `DELETE FROM audit WHERE organization = '' AND sequence > 1`); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.end()
		if text := log.take(); !strings.Contains(text, "restored from a backup") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// The environment of a process that takes over the directory of a config.
const (
	takeOverHere = "ROLECALL_TEST_TAKE_OVER"
	takeOverTo   = "ROLECALL_TEST_TAKE_OVER_TO"
)

// takeOverAsChild is such a process.
func takeOverAsChild() int {
	cfg, err := config.LoadServe(os.Getenv(takeOverHere))
	if err != nil {
		return 1
	}
	cfg.Serve.DatabaseURL = os.Getenv(takeOverTo)
	ctx, stop := context.WithCancel(context.Background())
	if err := server.Run(ctx, server.Options{Config: cfg, Ready: func(server.Started) { stop() }}); err != nil {
		return 1
	}
	return 0
}
