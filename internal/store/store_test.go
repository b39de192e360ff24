package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/credential/verdicttest"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
	"github.com/rolecall/rolecall/internal/tenant"
	"github.com/rolecall/rolecall/internal/tenant/tenanttest"
)

var engines storetest.Engines

func TestMain(m *testing.M) { os.Exit(storetest.Run(m, &engines)) }

// another returns options for another database of the same engine.
func another(t *testing.T, o store.Options) store.Options {
	t.Helper()
	if o.URL != "" {
		return store.Options{URL: engines.Database(t)}
	}
	return store.Options{Path: t.TempDir() + "/rolecall.db"}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		verdicttest.Run(t, func(t *testing.T) credential.Verdicts { return storetest.Open(t, another(t, o)).Verdicts() })
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		tenanttest.Names(t, func(t *testing.T) tenant.Names { return storetest.Open(t, another(t, o)).Names() })
	})
}

// A change that fails, or panics, changes nothing, and costs those that are
// committed with it nothing.
func TestChangesAreWhole(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		broken := errors.New("broken")
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				err := s.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := tx.TakeName(ctx, fmt.Sprintf("name-%d", i), "acme"); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return broken
					case 2:
						panic("broken")
					}
					return nil
				})
				if (err == nil) != (i%3 == 0) || i%3 == 1 && !errors.Is(err, broken) {
					t.Errorf("change %d: %v", i, err)
				}
			})
		}
		all.Wait()
		for i := range 60 {
			owner, err := s.Names().OwnerOf(t.Context(), fmt.Sprintf("name-%d", i))
			if err != nil || (owner == "acme") != (i%3 == 0) {
				t.Errorf("name-%d is %q's, %v", i, owner, err)
			}
		}
	})
}

// A database of a newer version is refused, and stays as it is.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		if err := s.SetSchema(t.Context(), 9999); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(t.Context(), o); rolecall.CodeOf(err) != rolecall.Conflict {
			t.Errorf("opened: %v", err)
		}
	})
}

// What a database of an earlier version has is found after its migration, and of
// many that open it at once each finds it.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		if err := store.Make(t.Context(), o, 1, `INSERT INTO names (name, organization, taken) VALUES ('x-42', 'acme', 7)`); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				s, err := store.Open(t.Context(), o)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = s.Close() }()
				if owner, err := s.Names().OwnerOf(t.Context(), "X-42"); owner != "acme" || err != nil {
					t.Errorf("the name is %q's, %v", owner, err)
				}
			})
		}
		all.Wait()
	})
}

// A full disk is said to be one, and nothing is half stored.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Options{Path: t.TempDir() + "/rolecall.db"})
	if err := s.LimitPages(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.TakeName(ctx, "x-1", "acme"); err != nil {
			return err
		}
		return tx.TakeName(ctx, strings.Repeat("x", 1<<20), "acme")
	})
	if rolecall.CodeOf(err) != rolecall.Unavailable {
		t.Errorf("%v", err)
	}
	if owner, err := s.Names().OwnerOf(t.Context(), "x-1"); owner != "" || err != nil {
		t.Errorf("%q, %v", owner, err)
	}
}
