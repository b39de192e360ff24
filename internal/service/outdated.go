package service

import (
	"cmp"
	"context"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/store"
)

// errOutdated says that a connection is not what a check was to find fit.
var errOutdated = &rolecall.Error{
	Code: rolecall.Conflict, Message: "the connection was removed or changed meanwhile, or has another external id", Hint: "You: begin again, if the connection is still there",
}

// subject is a connection as a check takes it.
type subject struct {
	store.Connection
	externalID string // that it is checked with
}

// idInForce returns the external id that a connection is to be checked with.
func idInForce(o store.Organization, c rolecall.Connection) string {
	return rolecall.Organization{APIName: o.APIName, ExternalID: o.ExternalID}.ExternalIDFor(c)
}

// unchanged reports whether a connection is there as it was when a check of it
// began, and work on it may go on.
func unchanged(ctx context.Context, tx *store.Tx, checked subject) (bool, error) {
	o, err := tx.Organization(ctx, checked.Organization)
	if err != nil {
		return false, ignoreNone(err)
	}
	c, err := tx.Connection(ctx, checked.Organization, checked.Declared.Name)
	if err != nil {
		return false, ignoreNone(err)
	}
	return o.Deleted.IsZero() && !o.Suspended && !c.Suspended && c.ID == checked.ID && !matters(checked.Declared, c.Declared) && idInForce(o, c.Declared) == checked.externalID, nil
}

// onlyWhile returns a context for work on a connection that claims its role only
// while the connection is unchanged: what AWS was asked before may be answered
// later.
func onlyWhile(ctx context.Context, worked subject) context.Context {
	return store.OnlyIf(ctx, func(ctx context.Context, tx *store.Tx) error {
		if still, err := unchanged(ctx, tx, worked); err != nil || !still {
			return cmp.Or(err, error(errOutdated))
		}
		return nil
	})
}

// stopOutdated stops the checks of connections that are not there any more, were
// suspended, or changed: they would go on using a customer's role, and claim it.
// It is called after each change that may do that; a check that begins meanwhile
// sees it by itself.
func (s *Service) stopOutdated() {
	all := s.checks.all()
	if len(all) == 0 {
		return
	}
	var stop []*running
	err := s.store.View(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		stop = nil
		for _, r := range all {
			still, err := unchanged(ctx, tx, r.checked)
			if err != nil {
				return err
			}
			if !still {
				stop = append(stop, r)
			}
		}
		return nil
	})
	if err != nil {
		s.log.WarnContext(s.ctx, "checks of connections that changed go on", "error", err)
	}
	for _, r := range stop {
		r.end()
	}
}

// endInterrupted stores that a check was stopped: it found nothing. When the service
// stops, its next start does that.
func (s *Service) endInterrupted(r *running) error {
	if s.ctx.Err() != nil {
		return nil
	}
	var ended store.Check
	err := s.persist(func(ctx context.Context, tx *store.Tx) error {
		ended, _ = r.now()
		ended.Ended = tx.Now()
		return tx.EndCheck(ctx, ended)
	})
	if err == nil {
		r.update(func(c *store.Check) { *c = ended })
	}
	return err
}

// persist makes a change that nobody else can make again: it is tried again
// while the database does not take it, until the service stops.
func (s *Service) persist(do func(context.Context, *store.Tx) error) error {
	for told := false; ; {
		err := s.store.Change(s.ctx, do)
		if rolecall.CodeOf(err) != rolecall.Unavailable {
			return err
		}
		if !told {
			s.log.WarnContext(s.ctx, "the end of a check is not stored; it is tried again until the database takes it", "error", err)
			told = true
		}
		select {
		case <-time.After(persistEvery):
		case <-s.ctx.Done():
			return err
		}
	}
}

const persistEvery = time.Second
