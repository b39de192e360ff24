package service

import (
	"context"
	"errors"

	"github.com/rolecall/rolecall/internal/store"
)

// errOutdated says that a connection is not what a check was to find fit.
var errOutdated = errors.New("the connection was removed or changed")

// unchanged reports whether a connection is there as it was when a check of it
// began, and work on it may go on.
func unchanged(ctx context.Context, tx *store.Tx, checked store.Connection) (bool, error) {
	o, err := tx.Organization(ctx, checked.Organization)
	if err != nil {
		return false, ignoreNone(err)
	}
	c, err := tx.Connection(ctx, checked.Organization, checked.Declared.Name)
	if err != nil {
		return false, ignoreNone(err)
	}
	return o.Deleted.IsZero() && !o.Suspended && !c.Suspended && c.ID == checked.ID && !matters(checked.Declared, c.Declared), nil
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
		r.stop()
	}
}

// endOutdated stores that a check was stopped: it found nothing. When the service
// stops, its next start does that.
func (s *Service) endOutdated(r *running) error {
	if s.ctx.Err() != nil {
		return nil
	}
	var ended store.Check
	err := s.store.Change(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		ended, _ = r.now()
		ended.Ended = tx.Now()
		return tx.EndCheck(ctx, ended)
	})
	if err == nil {
		r.update(func(c *store.Check) { *c = ended })
	}
	return err
}
