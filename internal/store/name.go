package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/rolecall/rolecall/internal/tenant"
)

// Names is the registry of external ids and api_names. It implements
// tenant.Names.
type Names struct{ store *Store }

// Names returns the registry of external ids and api_names.
func (s *Store) Names() Names { return Names{s} }

// Take implements tenant.Names.
func (n Names) Take(ctx context.Context, name, organization string) error {
	return n.store.Change(ctx, func(ctx context.Context, tx *Tx) error { return tx.TakeName(ctx, name, organization) })
}

// OwnerOf implements tenant.Names.
func (n Names) OwnerOf(ctx context.Context, name string) (owner string, err error) {
	err = n.store.View(ctx, func(ctx context.Context, tx *Tx) error {
		owner, err = tx.ownerOf(ctx, name)
		return err
	})
	return owner, err
}

// GeneratedID implements tenant.Names.
func (n Names) GeneratedID(ctx context.Context, organization string) (id string, err error) {
	err = n.store.View(ctx, func(ctx context.Context, tx *Tx) error {
		id, err = tx.generatedID(ctx, organization)
		return err
	})
	return id, err
}

// GenerateID implements tenant.Names.
func (n Names) GenerateID(ctx context.Context, organization string) (id, record string, err error) {
	err = n.store.Change(ctx, func(ctx context.Context, tx *Tx) error {
		id, err = tx.GenerateID(ctx, organization)
		return err
	})
	return id, "the database", err
}

// Names returns the registry as this change has it.
func (t *Tx) Names() tenant.Names { return names{t} }

// names is Names within one change.
type names struct{ tx *Tx }

func (n names) Take(ctx context.Context, name, organization string) error {
	return n.tx.TakeName(ctx, name, organization)
}

func (n names) OwnerOf(ctx context.Context, name string) (string, error) {
	return n.tx.ownerOf(ctx, name)
}

func (n names) GeneratedID(ctx context.Context, organization string) (string, error) {
	return n.tx.generatedID(ctx, organization)
}

func (n names) GenerateID(ctx context.Context, organization string) (id, record string, err error) {
	id, err = n.tx.GenerateID(ctx, organization)
	return id, "the database", err
}

// TakeName records that the name is the organization's, or returns a
// tenant.TakenError.
func (t *Tx) TakeName(ctx context.Context, name, organization string) error {
	return t.take(ctx, tenant.Digest(name), strings.ToLower(name), organization)
}

// TakeDigest is TakeName for a name of which only its digest is known.
func (t *Tx) TakeDigest(ctx context.Context, digest, organization string) error {
	return t.take(ctx, digest, "", organization)
}

func (t *Tx) take(ctx context.Context, digest, name, organization string) error {
	var owner, known string
	err := t.one(ctx, `SELECT organization, name FROM names WHERE digest = $1`, []any{digest}, &owner, &known)
	switch {
	case errors.Is(err, ErrNone):
		_, err = t.exec(ctx, `INSERT INTO names (digest, name, organization, taken) VALUES ($1, $2, $3, $4)`, digest, name, organization, toMicros(t.Now()))
		return err
	case err != nil:
		return err
	case owner != organization:
		return &tenant.TakenError{Owner: owner}
	case known == "" && name != "":
		_, err = t.exec(ctx, `UPDATE names SET name = $2 WHERE digest = $1`, digest, name)
	}
	return err
}

func (t *Tx) ownerOf(ctx context.Context, name string) (owner string, err error) {
	err = t.one(ctx, `SELECT organization FROM names WHERE digest = $1`, []any{tenant.Digest(name)}, &owner)
	if errors.Is(err, ErrNone) {
		return "", nil
	}
	return owner, err
}

func (t *Tx) generatedID(ctx context.Context, organization string) (id string, err error) {
	err = t.one(ctx, `SELECT external_id FROM generated_ids WHERE organization = $1`, []any{organization}, &id)
	if errors.Is(err, ErrNone) {
		return "", nil
	}
	return id, err
}

// GenerateID generates the organization's external id, unless it has one. It
// does not take it.
func (t *Tx) GenerateID(ctx context.Context, organization string) (string, error) {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
	if _, err := t.exec(ctx, `INSERT INTO generated_ids (organization, external_id) VALUES ($1, $2) ON CONFLICT (organization) DO NOTHING`,
		organization, hex.EncodeToString(bits[:])); err != nil {
		return "", err
	}
	return t.generatedID(ctx, organization)
}

// RetireID records that an organization's external id was replaced.
func (t *Tx) RetireID(ctx context.Context, organization, id string) error {
	_, err := t.exec(ctx, `INSERT INTO retired_ids (organization, external_id, retired) VALUES ($1, $2, $3) ON CONFLICT (organization, external_id) DO NOTHING`,
		organization, id, toMicros(t.Now()))
	return err
}

// RetiredIDs returns the external ids of an organization that were replaced last:
// at most two.
func (s *Store) RetiredIDs(ctx context.Context, organization string) (ids []string, err error) {
	err = s.View(ctx, func(ctx context.Context, tx *Tx) error {
		ids = nil
		return tx.each(ctx, `SELECT external_id FROM retired_ids WHERE organization = $1 ORDER BY retired DESC LIMIT 2`, []any{organization}, func(read func(...any) error) error {
			var id string
			err := read(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}
