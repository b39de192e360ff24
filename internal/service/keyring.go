package service

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/store"
)

// Keyring has the sealing keys of a process, and reads them again when they
// were rotated. NewKeyring makes it.
type Keyring struct {
	load func() (*seal.Keys, error)

	mu   sync.Mutex
	keys *seal.Keys
}

// NewKeyring returns a keyring. Load reads the keys where they are kept.
func NewKeyring(load func() (*seal.Keys, error)) (*Keyring, error) {
	keys, err := load()
	return &Keyring{load: load, keys: keys}, err
}

// with calls do with the keys, and again with those that are kept now if they
// could not open something.
func (k *Keyring) with(do func(*seal.Keys) error) error {
	k.mu.Lock()
	keys := k.keys
	k.mu.Unlock()
	err := do(keys)
	if !errors.Is(err, seal.ErrCannotOpen) {
		return err
	}
	keys, loaded := k.load()
	if loaded != nil {
		return loaded
	}
	if err = do(keys); err == nil {
		k.mu.Lock()
		k.keys = keys
		k.mu.Unlock()
	}
	return err
}

// IsSealed reports whether something in a database was sealed.
func IsSealed(ctx context.Context, db *store.Store) (sealed bool, err error) {
	err = db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.DataKey(ctx, "")
		sealed = err == nil
		return ignoreNone(err)
	})
	return sealed, err
}

// Prove checks that the keys are those that a database was sealed under, and makes
// them so where nothing was sealed yet. The code of its error is Conflict if they
// are others.
func (k *Keyring) Prove(ctx context.Context, db *store.Store) error {
	err := db.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := k.dataKey(ctx, tx, "")
		return err
	})
	if errors.Is(err, seal.ErrCannotOpen) {
		return &rolecall.Error{
			Code: rolecall.Conflict, Pointer: "/sealing/key_file", Message: "the sealing key is not the one that the database was sealed under",
			Hint: "Operator: restore the key file that belongs to this database, or declare it as sealing: {key_file: FILE}", Err: err,
		}
	}
	return err
}

// dataKey returns an organization's wrapped data key, which opens; it makes one
// where there is none.
func (k *Keyring) dataKey(ctx context.Context, tx *store.Tx, organization string) ([]byte, error) {
	wrapped, err := tx.DataKey(ctx, organization)
	switch {
	case errors.Is(err, store.ErrNone):
		if err := k.with(func(keys *seal.Keys) error { wrapped, err = keys.NewDataKey(organization); return err }); err != nil {
			return nil, err
		}
		return wrapped, tx.PutDataKey(ctx, organization, wrapped)
	case err != nil:
		return nil, err
	}
	return wrapped, k.with(func(keys *seal.Keys) error { _, err := keys.Rewrap(organization, wrapped); return err })
}

// seal seals a value of an organization's.
func (k *Keyring) seal(ctx context.Context, tx *store.Tx, organization string, about seal.Label, plain []byte) (sealed []byte, err error) {
	wrapped, err := k.dataKey(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	err = k.with(func(keys *seal.Keys) error { sealed, err = keys.Seal(organization, wrapped, about, plain); return err })
	return sealed, err
}

// open opens a sealed value.
func (k *Keyring) open(ctx context.Context, tx *store.Tx, organization string, about seal.Label, sealed []byte) (plain []byte, err error) {
	wrapped, err := tx.DataKey(ctx, organization)
	if err != nil {
		return nil, fmt.Errorf("data key of %s: %w", organization, err)
	}
	err = k.with(func(keys *seal.Keys) error { plain, err = keys.Open(organization, wrapped, about, sealed); return err })
	return plain, err
}

// RotateSealing wraps all data keys under the newest of the sealing keys, which
// rotate makes, and returns how many. Rotate may be called again; no other rotation
// of the database goes on meanwhile, in whichever process.
func (s *Service) RotateSealing(ctx context.Context, rotate func() (*seal.Keys, error)) (n int, err error) {
	err = s.store.Change(store.Patient(ctx), func(ctx context.Context, tx *store.Tx) error {
		n = 0
		if err := tx.Alone(ctx, "seal rotate"); err != nil {
			return err
		}
		keys, err := rotate()
		if err != nil {
			return err
		}
		if err := audit(ctx, tx, Call{Actor: Host(), RequestID: "seal rotate"}, operation{action: account.SealRotate}, AuditRecord{Decision: Allowed}); err != nil {
			return err
		}
		organizations, err := tx.Keyed(ctx)
		if err != nil {
			return err
		}
		for _, organization := range organizations {
			wrapped, err := tx.DataKey(ctx, organization)
			if err != nil {
				return err
			}
			rewrapped, err := keys.Rewrap(organization, wrapped)
			if err != nil {
				return fmt.Errorf("data key of %s: %w", organization, err)
			}
			if err := tx.PutDataKey(ctx, organization, rewrapped); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
