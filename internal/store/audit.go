package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
)

// AuditRecord is an audit record, which is JSON.
type AuditRecord struct {
	ID           string // sorts by when it was made
	Organization string // empty: of none
	Record       string
	Actor        string // id, as in Record
	Action       string // as in Record
	Sequence     int64  // its place in the organization's records; zero: not linked yet
	Link         []byte
}

// InsertAudit stores an audit record, which is linked later.
func (t *Tx) InsertAudit(ctx context.Context, r AuditRecord) error {
	_, err := t.exec(ctx, `INSERT INTO audit (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, 0, '')`, r.ID, r.Organization, r.Record, r.Actor, r.Action)
	return err
}

const auditColumns = `id, organization, record, actor, action, sequence, link`

func scanAudit(read func(...any) error) (r AuditRecord, err error) {
	var link string
	if err := read(&r.ID, &r.Organization, &r.Record, &r.Actor, &r.Action, &r.Sequence, &link); err != nil {
		return r, err
	}
	if r.Link, err = base64.StdEncoding.DecodeString(link); err != nil {
		return r, fmt.Errorf("read audit record %s: %w", r.ID, err)
	}
	return r, nil
}

func (t *Tx) auditRecords(ctx context.Context, query string, args ...any) (list []AuditRecord, err error) {
	err = t.each(ctx, query, args, func(read func(...any) error) error {
		r, err := scanAudit(read)
		list = append(list, r)
		return err
	})
	return list, err
}

// AuditFilter says which records a list has. Empty members are not looked at.
type AuditFilter struct{ Actor, Action string }

// Audit returns a page of an organization's audit records.
func (t *Tx) Audit(ctx context.Context, organization string, f AuditFilter, p Page) ([]AuditRecord, error) {
	return t.auditRecords(ctx, `SELECT `+auditColumns+` FROM audit WHERE organization = $1 AND `+f.where()+` AND id < $4 ORDER BY id DESC LIMIT $5`,
		organization, f.Actor, f.Action, p.before(), p.Limit)
}

// AllAudit returns a page of all organizations' audit records, and of those that
// are of none.
func (t *Tx) AllAudit(ctx context.Context, f AuditFilter, p Page) ([]AuditRecord, error) {
	return t.auditRecords(ctx, `SELECT `+auditColumns+` FROM audit WHERE $1 = '' AND `+f.where()+` AND id < $4 ORDER BY id DESC LIMIT $5`,
		"", f.Actor, f.Action, p.before(), p.Limit)
}

// where is the condition, by $2 and $3. A member that is not looked at is not
// compared with a column, so that an index serves the others.
func (f AuditFilter) where() string {
	actor, action := `$2 = ''`, `$3 = ''`
	if f.Actor != "" {
		actor = `actor = $2`
	}
	if f.Action != "" {
		action = `action = $3`
	}
	return actor + ` AND ` + action
}

// UnlinkedAudit returns records that are not linked yet, the oldest first.
func (t *Tx) UnlinkedAudit(ctx context.Context, limit int) ([]AuditRecord, error) {
	return t.auditRecords(ctx, `SELECT `+auditColumns+` FROM audit WHERE sequence = 0 ORDER BY id LIMIT $1`, limit)
}

// LinkedAudit returns an organization's linked records after a place, in their
// order.
func (t *Tx) LinkedAudit(ctx context.Context, organization string, after int64, limit int) ([]AuditRecord, error) {
	return t.auditRecords(ctx, `SELECT `+auditColumns+` FROM audit WHERE organization = $1 AND sequence > $2 AND sequence > 0 ORDER BY sequence LIMIT $3`, organization, after, limit)
}

// CountUnlinkedAudit returns how many records of an organization are not linked
// yet.
func (t *Tx) CountUnlinkedAudit(ctx context.Context, organization string) (n int64, err error) {
	err = t.one(ctx, `SELECT COUNT(*) FROM audit WHERE organization = $1 AND sequence = 0`, []any{organization}, &n)
	return n, err
}

// AuditHead returns an organization's last linked record, the zero one if there
// is none.
func (t *Tx) AuditHead(ctx context.Context, organization string) (AuditRecord, error) {
	r, err := scanAudit(func(into ...any) error {
		return t.one(ctx, `SELECT `+auditColumns+` FROM audit WHERE organization = $1 AND sequence > 0 ORDER BY sequence DESC LIMIT 1`, []any{organization}, into...)
	})
	if errors.Is(err, ErrNone) {
		return AuditRecord{Organization: organization}, nil
	}
	return r, err
}

// LinkAudit links a record.
func (t *Tx) LinkAudit(ctx context.Context, r AuditRecord) error {
	_, err := t.exec(ctx, `UPDATE audit SET sequence = $2, link = $3 WHERE id = $1 AND sequence = 0`, r.ID, r.Sequence, base64.StdEncoding.EncodeToString(r.Link))
	return err
}

// Audited returns the organizations that have audit records.
func (t *Tx) Audited(ctx context.Context) (list []string, err error) {
	err = t.each(ctx, `SELECT DISTINCT organization FROM audit ORDER BY organization`, nil, func(read func(...any) error) error {
		var organization string
		err := read(&organization)
		list = append(list, organization)
		return err
	})
	return list, err
}
