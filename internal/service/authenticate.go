package service

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// useEvery is how exact the time of a grant's last use is.
const useEvery = 30 * time.Second

// Authenticate returns the actor that presents a token. It is
// account.ErrUnauthenticated for a token that is not valid, is unknown, has
// expired or was deleted.
func (s *Service) Authenticate(ctx context.Context, token string, from netip.Addr) (account.Actor, error) {
	known := func(prefix string) bool { return account.IsToken(token, prefix) }
	if !slices.ContainsFunc([]string{account.OperatorPrefix, account.ServicePrefix, account.SetupPrefix}, known) {
		return account.Actor{}, account.ErrUnauthenticated
	}
	return s.present(ctx, token, from)
}

// present returns the actor that a grant's secret is of.
func (s *Service) present(ctx context.Context, secret string, from netip.Addr) (account.Actor, error) {
	var g store.Grant
	var now time.Time
	err := s.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		now = tx.Now()
		g, err = tx.GrantByHash(ctx, account.Hash(secret))
		return err
	})
	switch {
	case errors.Is(err, store.ErrNone), err == nil && !g.Expires.IsZero() && !now.Before(g.Expires), err == nil && g.Kind == grantSession && now.Sub(g.Used) > sessionIdle:
		return account.Actor{}, account.ErrUnauthenticated
	case err != nil:
		return account.Actor{}, err
	}
	if now.Sub(g.Used) >= useEvery {
		if err := s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.UseGrant(ctx, g.ID) }); err != nil {
			s.log.WarnContext(ctx, "cannot record the use of a grant", "grant", g.ID, "error", err)
		}
	}
	a := actorOf(g)
	a.Address = from
	return a, nil
}

// Host is the actor of commands on the service's own machine, which may do all
// that an operator may.
func Host() account.Actor {
	return account.Actor{Kind: account.KindHost, ID: "host", Name: "host", Role: account.Operator}
}
