package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
)

// Secret is what is stored of a secret: its value is sealed.
type Secret struct {
	Organization string
	Name         string
	Type         rolecall.SecretType
	Bucket, Host string // what it is bound to
	Version      int64  // one more with each value; goes on when the name is used again
	Sealed       []byte
	Updated      time.Time
}

const secretColumns = `organization, name, type, bucket, host, version, sealed, updated`

func scanSecret(read func(...any) error) (s Secret, err error) {
	var sealed string
	var updated int64
	if err := read(&s.Organization, &s.Name, &s.Type, &s.Bucket, &s.Host, &s.Version, &sealed, &updated); err != nil {
		return s, err
	}
	s.Updated = fromMicros(updated)
	if s.Sealed, err = base64.StdEncoding.DecodeString(sealed); err != nil {
		return s, fmt.Errorf("read secret %s: %w", s.Name, err)
	}
	return s, nil
}

// Secret returns an organization's secret, or ErrNone.
func (t *Tx) Secret(ctx context.Context, organization, name string) (Secret, error) {
	return scanSecret(func(into ...any) error {
		return t.one(ctx, `SELECT `+secretColumns+` FROM secrets WHERE organization = $1 AND name = $2 AND sealed <> ''`, []any{organization, name}, into...)
	})
}

// Secrets returns an organization's secrets by name, after that name.
func (t *Tx) Secrets(ctx context.Context, organization, after string, limit int) (list []Secret, err error) {
	err = t.each(ctx, `SELECT `+secretColumns+` FROM secrets WHERE organization = $1 AND name > $2 AND sealed <> '' ORDER BY name LIMIT $3`,
		[]any{organization, after, limit}, func(read func(...any) error) error {
			s, err := scanSecret(read)
			list = append(list, s)
			return err
		})
	return list, err
}

// NextVersion returns the version that a new value of a secret has.
func (t *Tx) NextVersion(ctx context.Context, organization, name string) (version int64, err error) {
	err = t.one(ctx, `SELECT COALESCE(MAX(version), 0) + 1 FROM secrets WHERE organization = $1 AND name = $2`, []any{organization, name}, &version)
	return version, err
}

// PutSecret stores a secret, in place of the one with its name.
func (t *Tx) PutSecret(ctx context.Context, s Secret) error {
	_, err := t.exec(ctx, `INSERT INTO secrets (`+secretColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization, name) DO UPDATE SET
		type = excluded.type, bucket = excluded.bucket, host = excluded.host, version = excluded.version, sealed = excluded.sealed, updated = excluded.updated`,
		s.Organization, s.Name, s.Type, s.Bucket, s.Host, s.Version, base64.StdEncoding.EncodeToString(s.Sealed), toMicros(s.Updated))
	return err
}

// DeleteSecret removes a secret's value, or returns ErrNone. Its version stays,
// so that no later value has it too.
func (t *Tx) DeleteSecret(ctx context.Context, organization, name string) error {
	n, err := t.exec(ctx, `UPDATE secrets SET sealed = '', bucket = '', host = '' WHERE organization = $1 AND name = $2 AND sealed <> ''`, organization, name)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// DataKey returns an organization's wrapped data key, or ErrNone. The empty
// organization's seals nothing: it tells whether the sealing key is the right one.
func (t *Tx) DataKey(ctx context.Context, organization string) ([]byte, error) {
	var wrapped string
	if err := t.one(ctx, `SELECT wrapped FROM data_keys WHERE organization = $1`, []any{organization}, &wrapped); err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(wrapped)
	if err != nil {
		return nil, fmt.Errorf("read data key: %w", err)
	}
	return key, nil
}

// PutDataKey stores an organization's wrapped data key.
func (t *Tx) PutDataKey(ctx context.Context, organization string, wrapped []byte) error {
	_, err := t.exec(ctx, `INSERT INTO data_keys (organization, wrapped) VALUES ($1, $2) ON CONFLICT (organization) DO UPDATE SET wrapped = excluded.wrapped`,
		organization, base64.StdEncoding.EncodeToString(wrapped))
	return err
}

// Keyed returns the organizations that have a data key.
func (t *Tx) Keyed(ctx context.Context) (list []string, err error) {
	err = t.each(ctx, `SELECT organization FROM data_keys ORDER BY organization`, nil, func(read func(...any) error) error {
		var organization string
		err := read(&organization)
		list = append(list, organization)
		return err
	})
	return list, err
}
