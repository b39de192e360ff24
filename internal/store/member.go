package store

import (
	"context"
	"time"
)

// Member is a person of an organization, from the invitation on.
type Member struct {
	ID           string // sorts by when it was made
	Organization string
	Role         string
	Created      time.Time
	CreatedBy    string    // id of the grant of whoever invited them
	Expires      time.Time // of the invitation
	Joined       time.Time // zero: the invitation was not used yet
}

// Members returns a page of an organization's members.
func (t *Tx) Members(ctx context.Context, organization string, p Page) (list []Member, err error) {
	err = t.each(ctx, `SELECT id, organization, role, created, created_by, expires, joined FROM members WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		[]any{organization, p.before(), p.Limit}, func(read func(...any) error) error {
			var m Member
			var created, expires, joined int64
			err := read(&m.ID, &m.Organization, &m.Role, &created, &m.CreatedBy, &expires, &joined)
			m.Created, m.Expires, m.Joined = fromMicros(created), fromMicros(expires), fromMicros(joined)
			list = append(list, m)
			return err
		})
	return list, err
}

// InsertMember stores a new member.
func (t *Tx) InsertMember(ctx context.Context, m Member) error {
	_, err := t.exec(ctx, `INSERT INTO members (id, organization, role, created, created_by, expires, joined) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m.ID, m.Organization, m.Role, toMicros(m.Created), m.CreatedBy, toMicros(m.Expires), toMicros(m.Joined))
	return err
}

// JoinMember records that a member signed in, the first time now, or returns
// ErrNone.
func (t *Tx) JoinMember(ctx context.Context, id string) error {
	n, err := t.exec(ctx, `UPDATE members SET joined = CASE joined WHEN 0 THEN $2 ELSE joined END WHERE id = $1`, id, toMicros(t.Now()))
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// DeleteMember removes an organization's member with all their grants, or
// returns ErrNone.
func (t *Tx) DeleteMember(ctx context.Context, organization, id string) error {
	n, err := t.exec(ctx, `DELETE FROM members WHERE organization = $1 AND id = $2`, organization, id)
	if err == nil && n == 0 {
		return ErrNone
	}
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM grants WHERE member = $1 AND member <> ''`, id)
	return err
}

// Sessions returns a page of all sessions that have not ended, and were used
// since then.
func (t *Tx) Sessions(ctx context.Context, since time.Time, p Page) ([]Grant, error) {
	return t.grants(ctx, `SELECT `+grantColumns+` FROM grants WHERE kind = 'session' AND used > $1 AND expires > $2 AND id < $3 ORDER BY id DESC LIMIT $4`,
		toMicros(since), toMicros(t.Now()), p.before(), p.Limit)
}

// SessionsOf is Sessions for those of an organization.
func (t *Tx) SessionsOf(ctx context.Context, organization string, since time.Time, p Page) ([]Grant, error) {
	return t.grants(ctx, `SELECT `+grantColumns+` FROM grants WHERE organization = $1 AND kind = 'session' AND used > $2 AND expires > $3 AND id < $4 ORDER BY id DESC LIMIT $5`,
		organization, toMicros(since), toMicros(t.Now()), p.before(), p.Limit)
}

// OwnSessions is Sessions for those of a member, who may be nobody, and the one
// with the id.
func (t *Tx) OwnSessions(ctx context.Context, id, member string, since time.Time, p Page) ([]Grant, error) {
	return t.grants(ctx, `SELECT `+grantColumns+` FROM grants WHERE kind = 'session' AND (id = $1 OR member <> '' AND member = $2) AND used > $3 AND expires > $4 AND id < $5
		ORDER BY id DESC LIMIT $6`, id, member, toMicros(since), toMicros(t.Now()), p.before(), p.Limit)
}
