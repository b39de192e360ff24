package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/rolecall/rolecall/credential"
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

// Plans makes a view and returns the plans of its queries, each with its query.
// On PostgreSQL, tables are read whole, and rows sorted, only where no index
// serves.
func (s *Store) Plans(ctx context.Context, do func(context.Context, *Tx) error) (plans []string, err error) {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	e := &explaining{Tx: tx, explain: "EXPLAIN QUERY PLAN "}
	if s.queue == nil {
		e.explain = "EXPLAIN "
		for _, off := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan"} {
			if _, err := tx.ExecContext(ctx, "SET LOCAL "+off+" = off"); err != nil {
				return nil, err
			}
		}
	}
	if err := do(ctx, &Tx{e, s.now}); err != nil && err != ErrNone { //nolint:errorlint // as it is returned
		return nil, err
	}
	return e.plans, e.failed
}

// explaining explains queries as well.
type explaining struct {
	*sql.Tx
	explain string
	plans   []string
	failed  error
}

func (e *explaining) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.note(ctx, query, args)
	return e.Tx.QueryContext(ctx, query, args...)
}

func (e *explaining) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	e.note(ctx, query, args)
	return e.Tx.QueryRowContext(ctx, query, args...)
}

func (e *explaining) note(ctx context.Context, query string, args []any) {
	rows, err := e.Tx.QueryContext(ctx, e.explain+query, args...)
	if err != nil {
		e.failed = errors.Join(e.failed, fmt.Errorf("%s: %w", query, err))
		return
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	plan := []string{query}
	for err == nil && rows.Next() {
		cells := make([]any, len(columns))
		for i := range cells {
			cells[i] = new(sql.NullString)
		}
		if err = rows.Scan(cells...); err == nil {
			plan = append(plan, cells[len(cells)-1].(*sql.NullString).String) // the last column says what is done
		}
	}
	e.failed = errors.Join(e.failed, err, rows.Err())
	e.plans = append(e.plans, strings.Join(plan, "\n"))
}

// Verdict reads a claim and a verdict.
func (t *Tx) Verdict(ctx context.Context, s credential.Subject) error {
	if err := t.claimed(ctx, s); err != nil {
		return err
	}
	_, err := t.verdict(ctx, s)
	return err
}
