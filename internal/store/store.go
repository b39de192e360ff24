package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/rolecall/rolecall"
)

// Options say where the database is.
type Options struct {
	URL  string           // postgres://…; empty: SQLite
	Path string           // of SQLite's file, which is made if it is missing
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: none
}

// Store is an open database. Open makes it. It may be used from many
// goroutines, and many processes may have it open.
type Store struct {
	write, read *sql.DB // the same pool on PostgreSQL
	now         func() time.Time
	log         *slog.Logger
	complained  struct {
		sync.Mutex
		at time.Time
	}

	queue  chan pending // SQLite's changes; nil on PostgreSQL
	quit   chan struct{}
	writer sync.WaitGroup
}

// Open opens the database and migrates it to this version's schema, under a
// lock. The code of its errors is Unavailable if the database cannot be
// reached, and Conflict if its schema is of a newer version. Close the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{now: o.Now, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), quit: make(chan struct{})}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if o.URL != "" {
		err = s.openPostgreSQL(o.URL)
	} else {
		err = s.openSQLite(o.Path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, o); err != nil {
		_ = s.Close()
		return nil, err
	}
	if o.URL == "" {
		s.queue = make(chan pending)
		s.writer.Go(s.commitTogether)
	}
	return s, nil
}

// Close waits for changes that are under way and closes the database.
func (s *Store) Close() error {
	close(s.quit)
	s.writer.Wait()
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ready returns an error if the database does not answer, takes no changes, or has
// another time than this machine.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return s.View(ctx, func(ctx context.Context, tx *Tx) error {
		if s.queue != nil {
			return tx.one(ctx, "SELECT 1", nil, new(int))
		}
		var standby bool
		var readOnly string
		var now int64
		err := tx.one(ctx, "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", nil, &standby, &readOnly, &now)
		if apart := s.now().Sub(fromMicros(now)); err == nil && apart.Abs() > maxApart {
			return s.complain(&rolecall.Error{
				Code: rolecall.Unavailable, Message: fmt.Sprintf("the clocks of this machine and the database's are %v apart", apart.Abs().Round(time.Second)), Hint: "Operator: set both by NTP",
			})
		}
		if err == nil && (standby || readOnly == "on") {
			return &rolecall.Error{Code: rolecall.Unavailable, Message: "the database takes no changes", Hint: "Operator: see whether database leads to a standby, or is read-only"}
		}
		return err
	})
}

// How long PostgreSQL may take to answer: to Ready, and for a view or a change,
// unless it is Patient.
const (
	readyTime  = 5 * time.Second
	answerTime = 30 * time.Second
)

// maxApart is how far the clocks of this machine and of the database may be apart.
const maxApart = 30 * time.Second

type patient struct{}

// Patient returns a context for a view or a change that may take long, such as one
// of all records.
func Patient(ctx context.Context) context.Context {
	return context.WithValue(ctx, patient{}, true)
}

func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Value(patient{}) != nil {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, answerTime)
}

// openSQLite opens the writer's single connection, whose transactions take the
// lock when they begin, and the readers' pool.
func (s *Store) openSQLite(path string) error {
	open := func(options string) (*sql.DB, error) {
		name := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
		db, err := sql.Open("sqlite", name+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"+options)
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		return db, nil
	}
	var err error
	// Auto-vacuum cannot be added to a database that there is.
	if s.write, err = open("&_txlock=immediate&_pragma=auto_vacuum(2)"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = open("&_pragma=query_only(1)"); err != nil {
		return errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

// How many connections each pool has.
const (
	readers     = 4
	connections = 16
)

func (s *Store) openPostgreSQL(databaseURL string) error {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		// The error's text may show the password.
		return &rolecall.Error{Code: rolecall.Invalid, Message: "the database's URL is not one that PostgreSQL takes", Hint: "Operator: write it as postgres://USER:PASSWORD@HOST/DATABASE"}
	}
	s.write = stdlib.OpenDB(*config)
	s.write.SetMaxOpenConns(connections)
	s.write.SetMaxIdleConns(connections)
	s.read = s.write
	return nil
}
