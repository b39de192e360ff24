package store

import (
	"context"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
)

const (
	serveLock    = 0x726f6c65 // a number that no other program's lock is likely to have
	serveSetting = "serving"  // who holds it
	// serveWait is how long the lock of a process that was just killed may take to
	// fall.
	serveWait = 3 * time.Second
)

// LockServe makes this process the only one that serves with a PostgreSQL
// database, until the function that it returns is called, or its connection
// breaks. Who describes it for those that are refused. The code of its error is
// Conflict if another serves. SQLite's file is in a state directory, which has a
// lock of its own.
func (s *Store) LockServe(ctx context.Context, who string) (unlock func(), err error) {
	if s.queue != nil {
		return func() {}, nil
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	for until := time.Now().Add(serveWait); ; {
		var locked bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, serveLock).Scan(&locked); err != nil {
			_ = conn.Close()
			return nil, s.explain(fmt.Errorf("lock the database: %w", err))
		}
		if locked {
			break
		}
		if time.Now().After(until) {
			_ = conn.Close()
			return nil, s.served(ctx)
		}
		select {
		case <-time.After(serveWait / 30):
		case <-ctx.Done():
			_ = conn.Close()
			return nil, ctx.Err()
		}
	}
	unlock = func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, serveLock) // else it falls with the connection
		_ = conn.Close()
	}
	if err := s.Change(ctx, func(ctx context.Context, tx *Tx) error { return tx.PutSetting(ctx, serveSetting, who) }); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// served says who serves.
func (s *Store) served(ctx context.Context) error {
	var who string
	err := s.View(ctx, func(ctx context.Context, tx *Tx) (err error) {
		who, err = tx.Setting(ctx, serveSetting)
		return err
	})
	if err != nil {
		who = "it is not known which"
	}
	return &rolecall.Error{
		Code: rolecall.Conflict, Pointer: "/database", Message: "another rolecall serves with the database: " + who, Err: err,
		Hint: "Operator: stop it first, or declare another database for this one",
	}
}
