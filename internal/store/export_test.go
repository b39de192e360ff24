package store

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

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

// Make makes a database of an older schema, and makes the statements there.
func Make(ctx context.Context, o Options, version int64, statements ...string) (err error) {
	s := &Store{now: time.Now, log: slog.New(slog.DiscardHandler)}
	if o.URL != "" {
		err = s.openPostgreSQL(o.URL)
	} else {
		err = s.openSQLite(o.Path)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.write.Close()) }()
	provider, err := s.migrations(o)
	if err != nil {
		return err
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := s.write.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
