package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/tenant"
)

// The settings of a database.
const (
	databaseSetting   = "database"    // its id
	journalKeySetting = "journal_key" // sealed
)

// Database returns the database's id, which it makes where there is none, and
// whether it has taken over a state directory.
func Database(ctx context.Context, db *store.Store, directory string) (id string, taken bool, err error) {
	err = db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if id, err = tx.Setting(ctx, databaseSetting); err != nil {
			return err
		}
		taken, err = tx.Imported(ctx, directory)
		return err
	})
	if !errors.Is(err, store.ErrNone) {
		return id, taken, err
	}
	err = db.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		if id, err = tx.Setting(ctx, databaseSetting); !errors.Is(err, store.ErrNone) {
			return err // another process was first
		}
		var bits [16]byte
		_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
		id = hex.EncodeToString(bits[:])
		return tx.PutSetting(ctx, databaseSetting, id)
	})
	return id, false, err
}

// TakeOver stores what local runs kept in a state directory, all or nothing,
// unless that was done before. From then on the database is the only place for
// it. Mark is called before the change is made, and may be called again. The code
// of its error is Conflict if the database has something as another
// organization's.
func TakeOver(ctx context.Context, db *store.Store, keyring *Keyring, directory string, kept state.Kept, mark func() error) error {
	return db.Change(store.Patient(ctx), func(ctx context.Context, tx *store.Tx) error {
		if taken, err := tx.Imported(ctx, directory); taken || err != nil {
			return cmp.Or(err, mark())
		}
		for _, take := range []func(context.Context, *store.Tx, state.Kept) error{takeNames, takeRoles, keyring.takeJournalKey, takeChecks} {
			if err := take(ctx, tx, kept); err != nil {
				return err
			}
		}
		if err := tx.PutImported(ctx, directory); err != nil {
			return err
		}
		return mark()
	})
}

func takeNames(ctx context.Context, tx *store.Tx, kept state.Kept) error {
	var faults rolecall.Errors
	for _, digest := range slices.Sorted(maps.Keys(kept.Taken)) {
		organization := kept.Taken[digest]
		err := tx.TakeDigest(ctx, digest, organization)
		var taken *tenant.TakenError
		switch {
		case errors.As(err, &taken):
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: "/state",
				Message: fmt.Sprintf("a name that the state directory has as the organization %s's is, or was, the organization %s's in the database", organization, taken.Owner),
				Hint:    fmt.Sprintf("Operator: to leave it to %s, remove external-ids/taken/%s in the state directory; then give %s another", taken.Owner, digest, organization),
			})
		case err != nil:
			return err
		}
	}
	for _, organization := range slices.Sorted(maps.Keys(kept.Generated)) {
		switch id, err := tx.ImportGeneratedID(ctx, organization, kept.Generated[organization]); {
		case err != nil:
			return err
		case id != kept.Generated[organization]:
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: "/state", Message: fmt.Sprintf("the external id of the organization %s in the state directory is not the one in the database", organization),
				Hint: fmt.Sprintf("Operator: see which one the customer's trust policy names; to keep the database's, remove external-ids/generated/%s in the state directory", organization),
			})
		}
	}
	return faults.Err()
}

func takeRoles(ctx context.Context, tx *store.Tx, kept state.Kept) error {
	var faults rolecall.Errors
	for _, r := range kept.Roles {
		var claimed *credential.ClaimedError
		if r.Organization != "" {
			err := tx.ImportClaim(ctx, credential.Subject{Organization: r.Organization, RoleARN: r.RoleARN}, r.Verdicts)
			switch {
			case errors.As(err, &claimed):
				faults = append(faults, &rolecall.Error{
					Code: rolecall.Conflict, Pointer: "/state",
					Message: fmt.Sprintf("the state directory has the claim on %s as the organization %s's, and the database as the organization %s's", r.RoleARN, r.Organization, claimed.Owner),
					Hint:    "Operator: see whose it is; to leave it to the database's, remove " + r.File,
				})
				continue
			case err != nil:
				return err
			}
		}
		for organization, pinned := range r.Pins {
			if err := tx.ImportPin(ctx, credential.Subject{Organization: organization, RoleARN: r.RoleARN}, pinned); err != nil {
				return err
			}
		}
	}
	return faults.Err()
}

func takeChecks(ctx context.Context, tx *store.Tx, kept state.Kept) error {
	for _, c := range kept.Checks {
		if err := tx.ImportCheck(ctx, store.ImportedCheck(c)); err != nil {
			return err
		}
	}
	return nil
}

// takeJournalKey stores the key of journals, unless there is one: journals that
// another state directory's runs left cannot be taken up then.
func (k *Keyring) takeJournalKey(ctx context.Context, tx *store.Tx, kept state.Kept) error {
	_, err := tx.Setting(ctx, journalKeySetting)
	if !errors.Is(err, store.ErrNone) || kept.JournalKey == nil {
		return ignoreNone(err)
	}
	return k.putJournalKey(ctx, tx, kept.JournalKey)
}

func ignoreNone(err error) error {
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	return err
}

// aboutJournals is what the key of journals is sealed as.
var aboutJournals = seal.Label{Kind: "journal key", Name: "journals", Version: 1}

func (k *Keyring) putJournalKey(ctx context.Context, tx *store.Tx, key []byte) error {
	sealed, err := k.seal(ctx, tx, "", aboutJournals, key)
	if err != nil {
		return err
	}
	return tx.PutSetting(ctx, journalKeySetting, base64.StdEncoding.EncodeToString(sealed))
}

// JournalKey returns the key that journals of an organization's jobs are sealed
// with. The one that all are derived from is made when it is first asked for.
func JournalKey(ctx context.Context, db *store.Store, keyring *Keyring, organization string) (key []byte, err error) {
	err = db.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		text, err := tx.Setting(ctx, journalKeySetting)
		if errors.Is(err, store.ErrNone) {
			key = state.NewJournalKey()
			return keyring.putJournalKey(ctx, tx, key)
		}
		if err != nil {
			return err
		}
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("read the key of journals: %w", err)
		}
		key, err = keyring.open(ctx, tx, "", aboutJournals, sealed)
		return err
	})
	if err != nil {
		return nil, err
	}
	return state.DeriveJournalKey(key, organization), nil
}
