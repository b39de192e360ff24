package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Setting returns a value that is of the whole database, or ErrNone.
func (t *Tx) Setting(ctx context.Context, name string) (value string, err error) {
	err = t.one(ctx, `SELECT value FROM settings WHERE name = $1`, []any{name}, &value)
	return value, err
}

// PutSetting stores a value that is of the whole database.
func (t *Tx) PutSetting(ctx context.Context, name, value string) error {
	_, err := t.exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Alone has the change wait for all others that call it with the same name, in all
// processes, before it goes on.
func (t *Tx) Alone(ctx context.Context, name string) error {
	return t.PutSetting(ctx, "alone "+name, "")
}

// Imported reports whether what was in a state directory was taken over.
func (t *Tx) Imported(ctx context.Context, directory string) (bool, error) {
	err := t.one(ctx, `SELECT 1 FROM imports WHERE directory = $1`, []any{directory}, new(int))
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// PutImported records that what was in a state directory was taken over.
func (t *Tx) PutImported(ctx context.Context, directory string) error {
	_, err := t.exec(ctx, `INSERT INTO imports (directory, imported) VALUES ($1, $2)`, directory, toMicros(t.Now()))
	return err
}

// ImportGeneratedID records the external id that was generated for an
// organization, unless it has one, and returns the one that it has.
func (t *Tx) ImportGeneratedID(ctx context.Context, organization, id string) (string, error) {
	if _, err := t.exec(ctx, `INSERT INTO generated_ids (organization, external_id) VALUES ($1, $2) ON CONFLICT (organization) DO NOTHING`, organization, id); err != nil {
		return "", err
	}
	return t.generatedID(ctx, organization)
}

// ImportClaim stores verdicts that rest on an organization's claim on a role or
// dispenser, by their subjects' digests. Those that there are stay. It is a
// credential.ClaimedError if the claim is another organization's.
func (t *Tx) ImportClaim(ctx context.Context, s credential.Subject, verdicts map[string]credential.Verdict) error {
	if _, err := t.exec(ctx, `INSERT INTO claims (claim_key, organization) VALUES ($1, $2) ON CONFLICT (claim_key) DO NOTHING`, s.ClaimKey(), s.Organization); err != nil {
		return err
	}
	if err := t.claimed(ctx, s); err != nil {
		return err
	}
	for digest, verdict := range verdicts {
		text, err := json.Marshal(verdict)
		if err != nil {
			return fmt.Errorf("write verdict: %w", err)
		}
		if _, err := t.exec(ctx, `INSERT INTO verdicts (claim_key, subject, verdict) VALUES ($1, $2, $3) ON CONFLICT (claim_key, subject) DO NOTHING`,
			s.ClaimKey(), digest, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// ImportPin stores what an organization has pinned a role or dispenser to,
// unless it has.
func (t *Tx) ImportPin(ctx context.Context, s credential.Subject, pinned string) error {
	_, err := t.exec(ctx, `INSERT INTO pins (claim_key, organization, pinned) VALUES ($1, $2, $3) ON CONFLICT (claim_key, organization) DO NOTHING`,
		s.ClaimKey(), s.Organization, pinned)
	return err
}

// ImportedCheck is the last check of a connection by local runs.
type ImportedCheck struct {
	Report    rolecall.CheckReport // of whose organization and connection it is
	Principal string
	Revision  string    // as the check found the connection
	Since     time.Time // since when it was so; zero: it never was another
	Ended     time.Time
}

// ImportCheck stores the last check of a connection that may be declared later.
func (t *Tx) ImportCheck(ctx context.Context, c ImportedCheck) error {
	report, err := json.Marshal(c.Report)
	if err != nil {
		return fmt.Errorf("write check: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO imported_checks (organization, connection, principal, revision, since, report, ended) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (organization, connection) DO NOTHING`,
		c.Report.Organization, c.Report.Connection, c.Principal, c.Revision, toMicros(c.Since), string(report), toMicros(c.Ended))
	return err
}

// TakeImportedCheck returns the imported check of a connection, or ErrNone, and
// removes it: a later connection of that name is another.
func (t *Tx) TakeImportedCheck(ctx context.Context, organization, connection string) (c ImportedCheck, err error) {
	var report string
	var since, ended int64
	err = t.one(ctx, `DELETE FROM imported_checks WHERE organization = $1 AND connection = $2 RETURNING principal, revision, since, report, ended`,
		[]any{organization, connection}, &c.Principal, &c.Revision, &since, &report, &ended)
	if err != nil {
		return c, err
	}
	c.Since, c.Ended = fromMicros(since), fromMicros(ended)
	if err := json.Unmarshal([]byte(report), &c.Report); err != nil {
		return c, fmt.Errorf("read imported check: %w", err)
	}
	return c, nil
}
