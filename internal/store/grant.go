package store

import (
	"context"
	"time"
)

// Grant is what somebody presents to be let in.
type Grant struct {
	ID           string // sorts by when it was made
	Hash         string // of its secret, which is not stored
	Kind         string // as package service names them
	Organization string // empty: the operator's
	Role         string
	Connection   string // id; empty: all
	Access       string
	Setup        string // of a setup link: what it may fill in, as JSON
	Member       string // id of the member whose session or invitation it is; empty: nobody's
	Name         string
	Created      time.Time
	CreatedBy    string    // id of the grant of whoever made it
	Expires      time.Time // zero: never
	Used         time.Time // when it was last used, about; zero: never
}

const grantColumns = `id, hash, kind, organization, role, connection, access, setup, member, name, created, created_by, expires, used`

func scanGrant(read func(...any) error) (g Grant, err error) {
	var created, expires, used int64
	err = read(&g.ID, &g.Hash, &g.Kind, &g.Organization, &g.Role, &g.Connection, &g.Access, &g.Setup, &g.Member, &g.Name, &created, &g.CreatedBy, &expires, &used)
	g.Created, g.Expires, g.Used = fromMicros(created), fromMicros(expires), fromMicros(used)
	return g, err
}

// GrantByHash returns the grant whose secret has the hash, or ErrNone.
func (t *Tx) GrantByHash(ctx context.Context, hash string) (Grant, error) {
	return scanGrant(func(into ...any) error {
		return t.one(ctx, `SELECT `+grantColumns+` FROM grants WHERE hash = $1`, []any{hash}, into...)
	})
}

// Grant returns the grant with the id, or ErrNone.
func (t *Tx) Grant(ctx context.Context, id string) (Grant, error) {
	return scanGrant(func(into ...any) error {
		return t.one(ctx, `SELECT `+grantColumns+` FROM grants WHERE id = $1`, []any{id}, into...)
	})
}

// Grants returns a page of an organization's grants of a kind.
func (t *Tx) Grants(ctx context.Context, organization, kind string, p Page) ([]Grant, error) {
	return t.grants(ctx, `SELECT `+grantColumns+` FROM grants WHERE organization = $1 AND kind = $2 AND id < $3 ORDER BY id DESC LIMIT $4`, organization, kind, p.before(), p.Limit)
}

func (t *Tx) grants(ctx context.Context, query string, args ...any) (list []Grant, err error) {
	err = t.each(ctx, query, args, func(read func(...any) error) error {
		g, err := scanGrant(read)
		list = append(list, g)
		return err
	})
	return list, err
}

// InsertGrant stores a new grant.
func (t *Tx) InsertGrant(ctx context.Context, g Grant) error {
	_, err := t.exec(ctx, `INSERT INTO grants (`+grantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		g.ID, g.Hash, g.Kind, g.Organization, g.Role, g.Connection, g.Access, g.Setup, g.Member, g.Name, toMicros(g.Created), g.CreatedBy, toMicros(g.Expires), toMicros(g.Used))
	return err
}

// UseGrant records that a grant was used now.
func (t *Tx) UseGrant(ctx context.Context, id string) error {
	_, err := t.exec(ctx, `UPDATE grants SET used = $2 WHERE id = $1`, id, toMicros(t.Now()))
	return err
}

// SetupLinks returns a page of a connection's setup links.
func (t *Tx) SetupLinks(ctx context.Context, connection string, p Page) ([]Grant, error) {
	return t.grants(ctx, `SELECT `+grantColumns+` FROM grants WHERE connection = $1 AND kind = 'setup_link' AND id < $2 ORDER BY id DESC LIMIT $3`, connection, p.before(), p.Limit)
}

// DeleteSetupLink removes a setup link of a connection, or returns ErrNone.
func (t *Tx) DeleteSetupLink(ctx context.Context, connection, id string) error {
	n, err := t.exec(ctx, `DELETE FROM grants WHERE connection = $1 AND kind = 'setup_link' AND id = $2`, connection, id)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// DeleteSetupLinks removes all setup links of a connection.
func (t *Tx) DeleteSetupLinks(ctx context.Context, connection string) error {
	_, err := t.exec(ctx, `DELETE FROM grants WHERE connection = $1 AND kind = 'setup_link'`, connection)
	return err
}

// DeleteGrant removes an organization's grant, or returns ErrNone.
func (t *Tx) DeleteGrant(ctx context.Context, organization, kind, id string) error {
	n, err := t.exec(ctx, `DELETE FROM grants WHERE organization = $1 AND kind = $2 AND id = $3`, organization, kind, id)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}
