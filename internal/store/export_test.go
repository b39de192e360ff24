package store

import "context"

// SetSchema says that a later version migrated the database.
func (s *Store) SetSchema(ctx context.Context, version int) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, version, true)
	return err
}

// LimitPages lets SQLite's file grow no more.
func (s *Store) LimitPages(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, `PRAGMA max_page_count = 1`) // that is: as many as there are
	return err
}
