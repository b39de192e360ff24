package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
)

// Check is a check of a connection that runs or has ended.
type Check struct {
	ID           string // sorts by when it was made
	Organization string
	Connection   string               // id
	Report       rolecall.CheckReport // of the steps that have ended
	Started      time.Time
	Ended        time.Time // zero: it runs, or was interrupted
	StartedBy    string    // id of a grant
	ObjectKeys   []string  // that the report may name
	// Proves is the claim's key of what it is to prove although the organization
	// has no claim on it and the config does not declare it; empty: nothing.
	Proves string
}

const (
	checkSummary = `id, organization, connection, result, started, ended`
	checkColumns = checkSummary + `, report, started_by, object_keys`
)

func scanCheck(read func(...any) error) (c Check, err error) {
	var report, keys string
	var started, ended int64
	if err := read(&c.ID, &c.Organization, &c.Connection, &c.Report.Result, &started, &ended, &report, &c.StartedBy, &keys); err != nil {
		return c, err
	}
	c.Started, c.Ended = fromMicros(started), fromMicros(ended)
	if err := json.Unmarshal([]byte(report), &c.Report); err != nil {
		return c, fmt.Errorf("read check %s: %w", c.ID, err)
	}
	if err := json.Unmarshal([]byte(keys), &c.ObjectKeys); err != nil {
		return c, fmt.Errorf("read check %s: %w", c.ID, err)
	}
	return c, nil
}

// Check returns a check of a connection, or ErrNone.
func (t *Tx) Check(ctx context.Context, connection, id string) (Check, error) {
	return scanCheck(func(into ...any) error {
		return t.one(ctx, `SELECT `+checkColumns+` FROM checks WHERE connection = $1 AND id = $2`, []any{connection, id}, into...)
	})
}

// Checks returns a page of a connection's checks. Of their reports they have the
// result alone.
func (t *Tx) Checks(ctx context.Context, connection string, p Page) (list []Check, err error) {
	err = t.each(ctx, `SELECT `+checkSummary+` FROM checks WHERE connection = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		[]any{connection, p.before(), p.Limit}, func(read func(...any) error) error {
			var c Check
			var started, ended int64
			err := read(&c.ID, &c.Organization, &c.Connection, &c.Report.Result, &started, &ended)
			c.Started, c.Ended = fromMicros(started), fromMicros(ended)
			list = append(list, c)
			return err
		})
	return list, err
}

// RunningCheck returns the check of a connection that has not ended, or ErrNone.
func (t *Tx) RunningCheck(ctx context.Context, connection string) (Check, error) {
	return scanCheck(func(into ...any) error {
		return t.one(ctx, `SELECT `+checkColumns+` FROM checks WHERE connection = $1 AND ended = 0`, []any{connection}, into...)
	})
}

// InsertCheck stores a check. One of a connection runs at a time.
func (t *Tx) InsertCheck(ctx context.Context, c Check) error {
	report, err := json.Marshal(c.Report)
	if err != nil {
		return fmt.Errorf("write check: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO checks (`+checkColumns+`, proves) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '[]', $9)`,
		c.ID, c.Organization, c.Connection, string(c.Report.Result), toMicros(c.Started), toMicros(c.Ended), string(report), c.StartedBy, c.Proves)
	return err
}

// CountChecks returns how many checks of a connection a grant began since then,
// and when the first of them was.
func (t *Tx) CountChecks(ctx context.Context, connection, startedBy string, since time.Time) (n int, first time.Time, err error) {
	var started int64
	err = t.one(ctx, `SELECT COUNT(*), COALESCE(MIN(started), 0) FROM checks WHERE connection = $1 AND started_by = $2 AND started > $3`,
		[]any{connection, startedBy, toMicros(since)}, &n, &started)
	return n, fromMicros(started), err
}

// Proved returns what checks of an organization that began since then were to
// prove, as Check.Proves says, and when the last of each began.
func (t *Tx) Proved(ctx context.Context, organization string, since time.Time) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := t.each(ctx, `SELECT proves, started FROM checks WHERE organization = $1 AND proves <> '' AND started > $2 ORDER BY started`,
		[]any{organization, toMicros(since)}, func(read func(...any) error) error {
			var proves string
			var started int64
			err := read(&proves, &started)
			last[proves] = fromMicros(started)
			return err
		})
	return last, err
}

// EndCheck stores the report of a check, and when it ended.
func (t *Tx) EndCheck(ctx context.Context, c Check) error {
	report, err := json.Marshal(c.Report)
	if err != nil {
		return fmt.Errorf("write check: %w", err)
	}
	keys, err := json.Marshal(append([]string{}, c.ObjectKeys...))
	if err != nil {
		return fmt.Errorf("write check: %w", err)
	}
	_, err = t.exec(ctx, `UPDATE checks SET report = $2, ended = $3, object_keys = $4, result = $5 WHERE id = $1`,
		c.ID, string(report), toMicros(c.Ended), string(keys), string(c.Report.Result))
	return err
}

// PutRevision records since when a principal's checks have found a connection as
// it is; zero: it never was another.
func (t *Tx) PutRevision(ctx context.Context, organization, connection, principal, revision string, since time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO revisions (organization, connection, principal, revision, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (organization, connection, principal) DO UPDATE SET revision = excluded.revision, since = excluded.since`,
		organization, connection, principal, revision, toMicros(since))
	return err
}

// EndInterruptedChecks ends the checks that nobody runs any more. Only the
// service may call it, when it starts.
func (t *Tx) EndInterruptedChecks(ctx context.Context) error {
	_, err := t.exec(ctx, `UPDATE checks SET ended = $1 WHERE ended = 0`, toMicros(t.Now()))
	return err
}

// Revision records how a principal's check found a connection, and returns
// since when it is so: zero if no other revision was recorded before.
func (t *Tx) Revision(ctx context.Context, organization, connection, principal, found string) (time.Time, error) {
	var revision string
	var since int64
	err := t.one(ctx, `SELECT revision, since FROM revisions WHERE organization = $1 AND connection = $2 AND principal = $3`,
		[]any{organization, connection, principal}, &revision, &since)
	switch {
	case err == nil && revision == found:
		return fromMicros(since), nil
	case err == nil:
		since = toMicros(t.Now())
	case errors.Is(err, ErrNone):
		since = 0
	default:
		return time.Time{}, err
	}
	return fromMicros(since), t.PutRevision(ctx, organization, connection, principal, found, fromMicros(since))
}
