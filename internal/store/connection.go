package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
)

// Connection is what is stored of a connection: what its owner declared, and
// what checks found.
type Connection struct {
	ID           string // sorts by when it was made; never used again
	Organization string
	Declared     rolecall.Connection // with its name
	Status       string              // pending, verified, failed, drifted
	Reason       string              // why it is not verified, for its owner; may be empty
	Checked      time.Time           // when a check last ended; zero: never
	Verified     time.Time           // when a check last passed; zero: never
	Created      time.Time
	Changed      time.Time // when what is declared last changed
	Revision     int64     // one more with each change of what is declared
	OnOldID      bool      // its trust policy is not known to accept the external id that replaces the organization's old one
	Suspended    bool      // the config no longer declares it
}

const connectionColumns = `id, organization, name, document, status, reason, checked, verified, created, changed, revision, on_old_id, suspended`

func scanConnection(read func(...any) error) (c Connection, err error) {
	var name, document string
	var checked, verified, created, changed, old, suspended int64
	if err := read(&c.ID, &c.Organization, &name, &document, &c.Status, &c.Reason, &checked, &verified, &created, &changed, &c.Revision, &old, &suspended); err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(document), &c.Declared); err != nil {
		return c, fmt.Errorf("read connection %s: %w", c.ID, err)
	}
	c.Declared.Name, c.OnOldID, c.Suspended = name, old != 0, suspended != 0
	c.Checked, c.Verified, c.Created, c.Changed = fromMicros(checked), fromMicros(verified), fromMicros(created), fromMicros(changed)
	return c, nil
}

// Connection returns an organization's connection by name, or ErrNone.
func (t *Tx) Connection(ctx context.Context, organization, name string) (Connection, error) {
	return scanConnection(func(into ...any) error {
		return t.one(ctx, `SELECT `+connectionColumns+` FROM connections WHERE organization = $1 AND name = $2`, []any{organization, name}, into...)
	})
}

// Connections returns a page of an organization's connections.
func (t *Tx) Connections(ctx context.Context, organization string, p Page) (list []Connection, err error) {
	err = t.each(ctx, `SELECT `+connectionColumns+` FROM connections WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		[]any{organization, p.before(), p.Limit}, func(read func(...any) error) error {
			c, err := scanConnection(read)
			list = append(list, c)
			return err
		})
	return list, err
}

// PutConnection stores a connection, in place of the one with its name.
func (t *Tx) PutConnection(ctx context.Context, c Connection) error {
	document, err := json.Marshal(c.Declared)
	if err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO connections (`+connectionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (organization, name) DO UPDATE SET document = excluded.document, status = excluded.status, reason = excluded.reason,
		checked = excluded.checked, verified = excluded.verified, changed = excluded.changed, revision = excluded.revision, on_old_id = excluded.on_old_id,
		suspended = excluded.suspended`,
		c.ID, c.Organization, c.Declared.Name, string(document), c.Status, c.Reason, toMicros(c.Checked), toMicros(c.Verified), toMicros(c.Created), toMicros(c.Changed), c.Revision,
		toInt(c.OnOldID), toInt(c.Suspended))
	return err
}

// DeleteConnection removes a connection, or returns ErrNone.
func (t *Tx) DeleteConnection(ctx context.Context, organization, name string) error {
	n, err := t.exec(ctx, `DELETE FROM connections WHERE organization = $1 AND name = $2`, organization, name)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// CountOnOldID returns how many connections of an organization still use the
// external id that another replaces.
func (t *Tx) CountOnOldID(ctx context.Context, organization string) (n int, err error) {
	err = t.one(ctx, `SELECT COUNT(*) FROM connections WHERE organization = $1 AND on_old_id = 1`, []any{organization}, &n)
	return n, err
}

// ConnectionName returns the name of the connection with the id; empty: there is
// none.
func (t *Tx) ConnectionName(ctx context.Context, id string) (name string, err error) {
	if id == "" {
		return "", nil
	}
	err = t.one(ctx, `SELECT name FROM connections WHERE id = $1`, []any{id}, &name)
	if errors.Is(err, ErrNone) {
		return "", nil
	}
	return name, err
}

// OwnersOfConnection returns the organizations that have a connection of the
// name. It reads all connections.
func (t *Tx) OwnersOfConnection(ctx context.Context, name string) (list []string, err error) {
	err = t.each(ctx, `SELECT organization FROM connections WHERE name = $1 ORDER BY organization`, []any{name}, func(read func(...any) error) error {
		var organization string
		err := read(&organization)
		list = append(list, organization)
		return err
	})
	return list, err
}
