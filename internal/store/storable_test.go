package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
)

// What no row can have is not found, and is not stored, on both engines.
func TestWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		for _, text := range []string{"a\x00b", "\xff\xfe"} {
			err := s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if list, err := tx.Connections(ctx, text, store.Page{Limit: 1}); err != nil || len(list) > 0 {
					t.Errorf("%q: %v, %v", text, list, err)
				}
				_, err := tx.Organization(ctx, text)
				return err
			})
			if !errors.Is(err, store.ErrNone) {
				t.Errorf("%q: %v", text, err)
			}
			err = s.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, "name", text) })
			if rolecall.CodeOf(err) != rolecall.Invalid {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
