package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Verdicts keeps verdicts, claims and pins. It implements credential.Verdicts.
type Verdicts struct{ store *Store }

// Verdicts returns the store of verdicts.
func (s *Store) Verdicts() Verdicts { return Verdicts{s} }

// Get implements credential.Verdicts.
func (v Verdicts) Get(ctx context.Context, s credential.Subject) (verdict credential.Verdict, err error) {
	err = v.store.View(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.claimed(ctx, s); err != nil {
			return err
		}
		verdict, err = tx.verdict(ctx, s)
		return err
	})
	return verdict, err
}

type conditionKey struct{}

// OnlyIf returns a context for work that may claim a role or dispenser only
// while the condition returns nil. It is asked in the change that makes the
// claim, and its error is that change's: work on what was removed meanwhile
// leaves no claim behind.
func OnlyIf(ctx context.Context, condition func(context.Context, *Tx) error) context.Context {
	return context.WithValue(ctx, conditionKey{}, condition)
}

// mayClaim asks the condition of OnlyIf.
func (t *Tx) mayClaim(ctx context.Context) error {
	condition, ok := ctx.Value(conditionKey{}).(func(context.Context, *Tx) error)
	if !ok {
		return nil
	}
	return condition(ctx, t)
}

// Put implements credential.Verdicts. It returns the error of OnlyIf's condition.
func (v Verdicts) Put(ctx context.Context, s credential.Subject, old, passing credential.Verdict) error {
	return v.store.Change(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.mayClaim(ctx); err != nil {
			return err
		}
		switch gone, err := tx.deleted(ctx, s.Organization); {
		case err != nil:
			return err
		case gone: // while it was proved
			return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no organization %q", s.Organization), Hint: "You: stop its work"}
		}
		if _, err := tx.exec(ctx, `INSERT INTO claims (claim_key, organization) VALUES ($1, $2) ON CONFLICT (claim_key) DO NOTHING`, s.ClaimKey(), s.Organization); err != nil {
			return err
		}
		if err := tx.claimed(ctx, s); err != nil {
			return err
		}
		switch stored, err := tx.verdict(ctx, s); {
		case err != nil:
			return err
		case !stored.First.Equal(old.First):
			return credential.ErrStale
		}
		text, err := json.Marshal(passing) // times with their zone and nanoseconds
		if err != nil {
			return fmt.Errorf("write verdict: %w", err)
		}
		_, err = tx.exec(ctx, `INSERT INTO verdicts (claim_key, subject, verdict) VALUES ($1, $2, $3)
			ON CONFLICT (claim_key, subject) DO UPDATE SET verdict = excluded.verdict`, s.ClaimKey(), s.Digest(), string(text))
		return err
	})
}

// Remove implements credential.Verdicts.
func (v Verdicts) Remove(ctx context.Context, s credential.Subject) error {
	return v.store.Change(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.claimed(ctx, s); err != nil {
			return ignoreClaimed(err)
		}
		// A digest is 64 characters, and a region and an access that follow it.
		within := ""
		if s == s.Anywhere() {
			within, _, _ = strings.Cut(s.Digest(), "/")
		}
		if _, err := tx.exec(ctx, `DELETE FROM verdicts WHERE claim_key = $1 AND (subject = $2 OR substr(subject, 1, 64) = $3)`, s.ClaimKey(), s.Digest(), within); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM claims WHERE claim_key = $1 AND NOT EXISTS (SELECT 1 FROM verdicts WHERE verdicts.claim_key = claims.claim_key)`, s.ClaimKey())
		return err
	})
}

// Release implements credential.Verdicts.
func (v Verdicts) Release(ctx context.Context, s credential.Subject) error {
	return v.store.Change(ctx, func(ctx context.Context, tx *Tx) error { return tx.ReleaseClaim(ctx, s) })
}

// ReleaseClaim is Release of Verdicts.
func (t *Tx) ReleaseClaim(ctx context.Context, s credential.Subject) error {
	if _, err := t.exec(ctx, `DELETE FROM pins WHERE claim_key = $1 AND organization = $2`, s.ClaimKey(), s.Organization); err != nil {
		return err
	}
	if err := t.claimed(ctx, s); err != nil {
		return ignoreClaimed(err)
	}
	if _, err := t.exec(ctx, `DELETE FROM verdicts WHERE claim_key = $1`, s.ClaimKey()); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM claims WHERE claim_key = $1`, s.ClaimKey())
	return err
}

// HasClaim reports whether the subject's organization has a claim with its
// ClaimKey.
func (t *Tx) HasClaim(ctx context.Context, s credential.Subject) (bool, error) {
	var n int
	err := t.one(ctx, `SELECT COUNT(*) FROM claims WHERE claim_key = $1 AND organization = $2`, []any{s.ClaimKey(), s.Organization}, &n)
	return n > 0, err
}

// Pin implements credential.Verdicts. It returns the error of OnlyIf's condition.
func (v Verdicts) Pin(ctx context.Context, s credential.Subject, id string) (pinned string, err error) {
	err = v.store.Change(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.mayClaim(ctx); err != nil {
			return err
		}
		if err := tx.claimed(ctx, s); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO pins (claim_key, organization, pinned) VALUES ($1, $2, $3) ON CONFLICT (claim_key, organization) DO NOTHING`,
			s.ClaimKey(), s.Organization, id); err != nil {
			return err
		}
		return tx.one(ctx, `SELECT pinned FROM pins WHERE claim_key = $1 AND organization = $2`, []any{s.ClaimKey(), s.Organization}, &pinned)
	})
	return pinned, err
}

// claimed returns a credential.ClaimedError if another organization holds the
// claim.
func (t *Tx) claimed(ctx context.Context, s credential.Subject) error {
	var owner string
	err := t.one(ctx, `SELECT organization FROM claims WHERE claim_key = $1`, []any{s.ClaimKey()}, &owner)
	switch {
	case errors.Is(err, ErrNone):
		return nil
	case err == nil && owner != s.Organization:
		return &credential.ClaimedError{Owner: owner}
	}
	return err
}

func ignoreClaimed(err error) error {
	var claimed *credential.ClaimedError
	if errors.As(err, &claimed) {
		return nil
	}
	return err
}

// verdict returns the verdict on a subject, the zero one if there is none.
func (t *Tx) verdict(ctx context.Context, s credential.Subject) (credential.Verdict, error) {
	var text string
	err := t.one(ctx, `SELECT verdict FROM verdicts WHERE claim_key = $1 AND subject = $2`, []any{s.ClaimKey(), s.Digest()}, &text)
	switch {
	case errors.Is(err, ErrNone):
		return credential.Verdict{}, nil
	case err != nil:
		return credential.Verdict{}, err
	}
	var v credential.Verdict
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return credential.Verdict{}, fmt.Errorf("read verdict: %w", err)
	}
	return v, nil
}
