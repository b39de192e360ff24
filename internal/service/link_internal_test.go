package service

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/store"
)

// The log says the heads at the start, and each hour those that have changed.
func TestHeadsAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "rolecall.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		keyring, err := NewKeyring(seal.New)
		if err != nil {
			t.Fatal(err)
		}
		put := func(organization, id string) {
			t.Helper()
			err := db.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertAudit(ctx, store.AuditRecord{ID: id, Organization: organization, Record: `{"time":"` + tx.Now().Format(time.RFC3339Nano) + `"}`})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		log := &lines{}
		s := New(Options{Store: db, Keyring: keyring, Log: slog.New(slog.NewTextHandler(log, nil))})
		logged := func(after time.Duration) string {
			time.Sleep(after) // of the bubble's fake clock
			synctest.Wait()
			return log.take()
		}
		put("acme", "a1")
		put("globex", "g1")
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := logged(linkEvery); strings.Count(text, "audit head") != 2 || !strings.Contains(text, "org=acme sequence=1 link=") {
			t.Errorf("at the start:\n%s", text)
		}
		put("acme", "a2")
		if text := logged(headsEvery - time.Minute); text != "" {
			t.Errorf("too early:\n%s", text)
		}
		if text := logged(time.Minute); strings.Count(text, "audit head") != 1 || !strings.Contains(text, "org=acme sequence=2 link=") {
			t.Errorf("after an hour:\n%s", text)
		}
		s.Close()
	})
}

// While the service runs, no record waits for its link for long.
func TestWaitingForALink(t *testing.T) {
	t.Parallel()
	now := time.Now()
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "rolecall.db"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for id, age := range map[string]time.Duration{"new": linkedWithin - time.Second, "old": linkedWithin + time.Second} {
			if err := tx.InsertAudit(ctx, store.AuditRecord{ID: id, Organization: id, Record: `{"time":"` + now.Add(-age).Format(time.RFC3339Nano) + `"}`}); err != nil {
				return err
			}
		}
		for serving, want := range map[bool]string{false: "", true: "record old is not linked, though the service runs: it was inserted, or the service cannot link"} {
			faults, err := unlinkedMisfits(ctx, tx, serving)
			if err != nil {
				return err
			}
			if faults["new"] != "" || faults["old"] != want {
				t.Errorf("%t: %q", serving, faults)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was written since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}
