package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
)

// Tx is one change or one view. Its methods are in the files of what they are
// about.
type Tx struct {
	tx  statements
	now func() time.Time
}

// statements are what a Tx needs of a *sql.Tx.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Now returns the time that records of this change carry: in microseconds, as
// they are stored.
func (t *Tx) Now() time.Time { return t.now().UTC().Truncate(time.Microsecond) }

// exec makes a statement and returns how many rows it changed.
func (t *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !storable(args) {
		return 0, &rolecall.Error{Code: rolecall.Invalid, Message: "a text has a NUL character, or is not UTF-8", Hint: "You: leave that out"}
	}
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads a row. ErrNone: there is none.
func (t *Tx) one(ctx context.Context, query string, args []any, into ...any) error {
	if !storable(args) {
		return ErrNone
	}
	err := t.tx.QueryRowContext(ctx, query, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNone
	}
	return err
}

// ErrNone says that there is no such row.
var ErrNone = errors.New("there is no such row")

// each reads rows; scan is called for each.
func (t *Tx) each(ctx context.Context, query string, args []any, scan func(read func(...any) error) error) error {
	if !storable(args) {
		return nil
	}
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// storable reports whether all texts can be in the database: in none that both
// engines keep is a NUL character, or what is not UTF-8. So no row has another.
// https://www.postgresql.org/docs/current/datatype-character.html
func storable(args []any) bool {
	for _, arg := range args {
		if text := reflect.ValueOf(arg); text.Kind() == reflect.String && (strings.Contains(text.String(), "\x00") || !utf8.ValidString(text.String())) {
			return false
		}
	}
	return true
}

// Times are microseconds since 1970, and zero is no time.

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Page is a part of a list that is sorted by id, the newest first.
type Page struct {
	Limit  int    // at least 1
	Before string // only ids before this one; empty: from the newest on
}

// before is the id that all ids of the page are before. "~" is behind all of
// their characters.
func (p Page) before() string {
	if p.Before == "" {
		return "~"
	}
	return p.Before
}
