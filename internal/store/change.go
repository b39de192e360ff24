package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/rolecall/rolecall"
)

// Change makes a change: all that do does is done, or nothing, and other
// changes are as if they came before or after it. It returns after the commit.
// Do may be called again after it returned, and must do nothing that cannot be
// undone by the database.
//
// If it is not known whether the change was made, the error has the code
// Unavailable and is ErrUnknownOutcome.
func (s *Store) Change(ctx context.Context, do func(context.Context, *Tx) error) error {
	if s.queue == nil {
		return s.changePostgreSQL(ctx, do)
	}
	p := pending{ctx: ctx, do: do, done: make(chan error, 1)}
	select {
	case s.queue <- p:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.quit:
		return errClosed
	}
	return <-p.done // soon: the writer waits for nobody
}

// View reads. All that do reads is of one moment.
func (s *Store) View(ctx context.Context, do func(context.Context, *Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if s.queue != nil {
		options = nil // SQLite's transactions are of one moment, and query_only
	} else {
		var cancel context.CancelFunc
		ctx, cancel = limited(ctx)
		defer cancel()
	}
	tx, err := s.read.BeginTx(ctx, options)
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = tx.Rollback() }()
	return s.explain(do(ctx, &Tx{tx, s.now}))
}

// ErrUnknownOutcome says that the connection broke while a change was
// committed.
var ErrUnknownOutcome = errors.New("it is not known whether the change was made")

var errClosed = &rolecall.Error{Code: rolecall.Unavailable, Message: "the service is stopping", Hint: "You: try again"}

// pending is a change that waits for SQLite's writer.
type pending struct {
	ctx  context.Context
	do   func(context.Context, *Tx) error
	done chan error
}

// most is how many changes one commit carries.
const most = 500

// commitTogether is SQLite's writer: whatever waits while it commits goes into
// the next commit, since a commit's flush to the disk costs far more than a
// change.
func (s *Store) commitTogether() {
	for {
		select {
		case first := <-s.queue:
			s.commit(first)
		case <-s.quit:
			return
		}
	}
}

// commit makes changes in one transaction, each behind a savepoint of its own.
func (s *Store) commit(first pending) {
	// Not a caller's context: SQLite rolls a whole transaction back when a
	// statement of it is interrupted.
	ctx := context.Background()
	var made []pending
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		first.done <- s.explain(err)
		return
	}
	for next, more := first, true; more; {
		if err := s.behindSavepoint(ctx, tx, next); err != nil {
			next.done <- err
		} else {
			made = append(made, next)
		}
		if more = len(made) < most; more {
			select {
			case next = <-s.queue:
			default:
				more = false
			}
		}
	}
	err = s.explain(tx.Commit())
	for _, p := range made {
		p.done <- err
	}
}

func (s *Store) behindSavepoint(ctx context.Context, tx *sql.Tx, p pending) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SAVEPOINT change"); err != nil {
		return s.explain(err)
	}
	err := do(context.WithoutCancel(p.ctx), &Tx{tx, s.now}, p.do)
	if err != nil {
		_, undo := tx.ExecContext(ctx, "ROLLBACK TO change")
		err = errors.Join(err, undo)
	}
	_, release := tx.ExecContext(ctx, "RELEASE change")
	return s.explain(errors.Join(err, release))
}

// do calls the function; a panic of it is its error.
func do(ctx context.Context, tx *Tx, f func(context.Context, *Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in a change: %v", r)
		}
	}()
	return f(ctx, tx)
}

// attempts is how often a change is made again that PostgreSQL took back
// since it met another.
const attempts = 20

func (s *Store) changePostgreSQL(ctx context.Context, do func(context.Context, *Tx) error) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	var err error
	for attempt := range attempts {
		if err = s.try(ctx, do); !isSerialization(err) && !isTaken(err) {
			return s.explain(err)
		}
		select {
		case <-time.After(time.Duration(attempt) * time.Millisecond):
		case <-ctx.Done():
			return s.explain(ctx.Err())
		}
	}
	if isTaken(err) {
		return err // it was not another's change, but its own fault
	}
	return &rolecall.Error{Code: rolecall.Unavailable, Message: "too many changes at once", Hint: "You: try again", Err: err}
}

func (s *Store) try(ctx context.Context, f func(context.Context, *Tx) error) error {
	tx, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	if err := do(ctx, &Tx{tx, s.now}, f); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil && !isAnswer(err) {
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: ErrUnknownOutcome.Error(),
			Hint: "You: repeat the request, with the same Idempotency-Key if it had one", Err: errors.Join(ErrUnknownOutcome, err),
		}
	} else if err != nil {
		return err
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) || errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}

// isAnswer reports whether PostgreSQL said so itself.
func isAnswer(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer)
}

// isSerialization reports whether PostgreSQL took a change back since it met
// another.
// https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
func isSerialization(err error) bool { return isPostgreSQL(err, "40001", "40P01") }

// isTaken reports whether a row of that key is there already: another change may
// just have made it, which the next attempt sees.
func isTaken(err error) bool { return isPostgreSQL(err, "23505") }

// explain explains an error that is not rolecall's own: the database cannot be
// reached, or there is a fault.
func (s *Store) explain(err error) error {
	var known *rolecall.Error
	var list rolecall.Errors
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case err == nil, errors.As(err, &known), errors.As(err, &list), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return s.complain(&rolecall.Error{Code: rolecall.Unavailable, Message: "the database does not answer", Hint: "You: try again. Operator: see whether its machine hangs", Err: err})
	case isBusy(err):
		return s.complain(&rolecall.Error{Code: rolecall.Unavailable, Message: "another process holds the database", Hint: "You: try again. Operator: see which rolecall hangs, if it goes on", Err: err})
	case isFull(err):
		return s.complain(&rolecall.Error{Code: rolecall.Unavailable, Message: "the database cannot be written", Hint: "Operator: see whether its disk is full; the log has the cause", Err: err})
	case isPostgreSQL(err, "25006"):
		return s.complain(&rolecall.Error{Code: rolecall.Unavailable, Message: "the database takes no changes", Hint: "Operator: see whether database leads to a standby, or is read-only", Err: err})
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, pgconn.ErrConnClosed), isShutdown(err):
		return s.complain(&rolecall.Error{Code: rolecall.Unavailable, Message: "the database cannot be reached", Hint: "Operator: see whether it runs; the log has the cause", Err: err})
	}
	return err
}

// complain logs the cause of an error that nobody who calls the service sees, once
// in a while.
func (s *Store) complain(err *rolecall.Error) error {
	s.complained.Lock()
	defer s.complained.Unlock()
	if now := time.Now(); now.Sub(s.complained.at) >= complainEvery {
		s.complained.at = now
		s.log.ErrorContext(context.Background(), "the database does not work", "error", err.Message, "cause", err.Err)
	}
	return err
}

const complainEvery = 10 * time.Second

// isBusy reports whether another process has held SQLite's file for as long as
// busy_timeout.
func isBusy(err error) bool { return isSQLite(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) }

// isFull reports whether the disk of the database cannot be written.
func isFull(err error) bool {
	return isSQLite(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY) || isPostgreSQL(err, "53100")
}

// https://www.sqlite.org/rescode.html
func isSQLite(err error, codes ...int) bool {
	var answer *sqlite.Error
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code()&0xff) // without what extends it
}

// isShutdown reports whether PostgreSQL is starting or stopping.
func isShutdown(err error) bool { return isPostgreSQL(err, "57P01", "57P02", "57P03", "53300") }

// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isPostgreSQL(err error, codes ...string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code)
}
