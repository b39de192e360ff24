package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/tenant"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Processes that start at the same time
// wait for each other.
func (s *Store) migrate(ctx context.Context, o Options) error {
	provider, err := s.migrations(o)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	for before := int64(-1); ; {
		current, err := provider.GetDBVersion(ctx)
		switch {
		case err != nil:
			return s.explain(fmt.Errorf("read schema version: %w", err))
		case current > newest:
			return &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the database has schema %d, and this rolecall knows schemas up to %d", current, newest),
				Hint: "Operator: run the rolecall that migrated it, or a newer one",
			}
		case current == newest:
			return nil
		}
		// On SQLite, another process may make the same step at the same time,
		// and the later of the two fails: it goes on from there.
		if _, err = provider.Up(ctx); err != nil && current == before {
			return s.explain(fmt.Errorf("migrate: %w", err))
		}
		before = current
	}
}

// moveNames moves the names of schema 1 to where they are found by digest.
func moveNames(ctx context.Context, tx *sql.Tx) error {
	type named struct {
		name, organization string
		taken              int64
	}
	var all []named
	t := &Tx{tx: tx}
	err := t.each(ctx, `SELECT name, organization, taken FROM named`, nil, func(read func(...any) error) error {
		var n named
		err := read(&n.name, &n.organization, &n.taken)
		all = append(all, n)
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range all {
		if _, err := t.exec(ctx, `INSERT INTO names (digest, name, organization, taken) VALUES ($1, $2, $3, $4)`, tenant.Digest(n.name), n.name, n.organization, n.taken); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `DROP TABLE named`)
	return err
}

// fillResults copies what checks found from their reports.
func fillResults(ctx context.Context, tx *sql.Tx) error {
	t, results := &Tx{tx: tx}, map[string]string{}
	err := t.each(ctx, `SELECT id, report FROM checks`, nil, func(read func(...any) error) error {
		var id, text string
		if err := read(&id, &text); err != nil {
			return err
		}
		var report rolecall.CheckReport
		err := json.Unmarshal([]byte(text), &report)
		results[id] = string(report.Result)
		return err
	})
	if err != nil {
		return err
	}
	for id, result := range results {
		if _, err := t.exec(ctx, `UPDATE checks SET result = $2 WHERE id = $1`, id, result); err != nil {
			return err
		}
	}
	return nil
}

// fillAudit copies who did what from audit records of before schema 5.
func fillAudit(ctx context.Context, tx *sql.Tx) error {
	t := &Tx{tx: tx}
	for after := ""; ; {
		records, err := t.auditRecords(ctx, `SELECT `+auditColumns+` FROM audit WHERE actor = '' AND action = '' AND id > $1 ORDER BY id LIMIT 500`, after)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			after = r.ID
			var is struct {
				Actor  struct{ ID string }
				Action string
			}
			if json.Unmarshal([]byte(r.Record), &is) != nil {
				continue // it is no record, which is found
			}
			if _, err := t.exec(ctx, `UPDATE audit SET actor = $2, action = $3 WHERE id = $1`, r.ID, is.Actor.ID, is.Action); err != nil {
				return err
			}
		}
	}
}

func (s *Store) migrations(o Options) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err // the directory is embedded
	}
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(
			goose.NewGoMigration(3, &goose.GoFunc{RunTx: moveNames}, nil),
			goose.NewGoMigration(7, &goose.GoFunc{RunTx: fillResults}, nil),
			goose.NewGoMigration(8, &goose.GoFunc{RunTx: fillAudit}, nil),
		),
	}
	dialect := goose.DialectSQLite3
	if o.URL != "" {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // looks each second, for five minutes
		if err != nil {
			return nil, err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, s.write, files, options...)
}
