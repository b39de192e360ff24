package store

import "context"

// InsertAudit stores an audit record, which is JSON. The organization is empty
// for those of none.
func (t *Tx) InsertAudit(ctx context.Context, id, organization, record string) error {
	_, err := t.exec(ctx, `INSERT INTO audit (id, organization, record) VALUES ($1, $2, $3)`, id, organization, record)
	return err
}

// AuditRecord is an audit record with its id.
type AuditRecord struct{ ID, Record string }

// Audit returns a page of an organization's audit records.
func (t *Tx) Audit(ctx context.Context, organization string, p Page) (list []AuditRecord, err error) {
	err = t.each(ctx, `SELECT id, record FROM audit WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		[]any{organization, p.before(), p.Limit}, func(read func(...any) error) error {
			var r AuditRecord
			err := read(&r.ID, &r.Record)
			list = append(list, r)
			return err
		})
	return list, err
}
