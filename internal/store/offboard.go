package store

import "context"

// DeleteOrganization marks an organization as deleted, and removes all that it
// has but its names and audit records.
func (t *Tx) DeleteOrganization(ctx context.Context, apiName string) error {
	if _, err := t.exec(ctx, `UPDATE organizations SET deleted = $2, revision = revision + 1 WHERE api_name = $1`, apiName, toMicros(t.Now())); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM verdicts WHERE claim_key IN (SELECT claim_key FROM claims WHERE organization = $1)`,
		`DELETE FROM claims WHERE organization = $1`,
		`DELETE FROM pins WHERE organization = $1`,
		`DELETE FROM grants WHERE organization = $1`,
		`DELETE FROM members WHERE organization = $1`,
		`DELETE FROM secrets WHERE organization = $1`,
		`DELETE FROM data_keys WHERE organization = $1`,
		`DELETE FROM checks WHERE organization = $1`,
		`DELETE FROM revisions WHERE organization = $1`,
		`DELETE FROM connections WHERE organization = $1`,
	} {
		if _, err := t.exec(ctx, statement, apiName); err != nil {
			return err
		}
	}
	return nil
}

// deleted reports whether an organization was deleted.
func (t *Tx) deleted(ctx context.Context, apiName string) (bool, error) {
	var n int
	err := t.one(ctx, `SELECT COUNT(*) FROM organizations WHERE api_name = $1 AND deleted > 0`, []any{apiName}, &n)
	return n > 0, err
}
