package service

import (
	"context"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// claimOf returns what a connection's use claims for its organization: a role or
// a dispenser. Ok is false if it claims nothing.
func claimOf(organization string, c rolecall.Connection) (s credential.Subject, ok bool) {
	s = credential.Subject{Organization: organization, RoleARN: c.RoleARN}
	if source := c.HTTPCredentialSource; source != nil {
		s.RoleARN = source.Normal().URL
	}
	return s, s.RoleARN != "" && c.Secret == ""
}

// newRoles is how many roles and dispensers an organization may have proved in an
// hour that it has no claim on and the config does not declare: each proof asks
// STS several times, with limits that all share, and it need not be its own role.
const newRoles = 20

// mayProve returns nil if a check of a connection may prove what it names, and
// under which key that counts; empty: it does not.
func mayProve(ctx context.Context, tx *store.Tx, o store.Organization, c rolecall.Connection) (counts string, err error) {
	claim, ok := claimOf(o.APIName, c)
	if !ok || o.ManagedBy == string(ByConfig) {
		return "", nil
	}
	if has, err := tx.HasClaim(ctx, claim); err != nil || has {
		return "", err
	}
	counts = claim.ClaimKey()
	proved, err := tx.Proved(ctx, o.APIName, tx.Now().Add(-time.Hour))
	if _, again := proved[counts]; err != nil || again || len(proved) < newRoles {
		return counts, err
	}
	free := tx.Now()
	for _, last := range proved {
		if last.Before(free) {
			free = last
		}
	}
	return "", &TooManyError{
		After: free.Add(time.Hour).Sub(tx.Now()),
		Err: &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("an organization may check %d roles and dispensers in an hour that have not passed their probes", newRoles),
			Hint: "You: check one that was checked within the hour, or wait. Operator: those that rolecall.yaml declares do not count",
		},
	}
}

// endClaim ends an organization's claim on the role or dispenser that a
// connection named, unless another of its connections names that too: nobody
// could release it by its name any more.
func endClaim(ctx context.Context, tx *store.Tx, organization string, was rolecall.Connection) error {
	claim, ok := claimOf(organization, was)
	if !ok {
		return nil
	}
	if has, err := tx.HasClaim(ctx, claim); err != nil || !has {
		return err
	}
	all, err := tx.Connections(ctx, organization, store.Page{Limit: everything})
	if err != nil {
		return err
	}
	for _, c := range all {
		if other, ok := claimOf(organization, c.Declared); ok && other.ClaimKey() == claim.ClaimKey() {
			return nil
		}
	}
	return tx.ReleaseClaim(ctx, claim)
}

// MadeConnections returns the connections of a name that were made over the API,
// with their organizations; of one organization only, if that is not empty.
func MadeConnections(ctx context.Context, db *store.Store, organization, name string) (of []rolecall.Organization, err error) {
	err = db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		of = nil
		owners, err := tx.OwnersOfConnection(ctx, name)
		if err != nil {
			return err
		}
		for _, owner := range owners {
			o, err := tx.Organization(ctx, owner)
			if err != nil {
				return fmt.Errorf("read the organization of a connection: %w", err)
			}
			if o.ManagedBy != string(ByAPI) || organization != "" && organization != owner {
				continue
			}
			c, err := tx.Connection(ctx, owner, name)
			if err != nil {
				return err
			}
			of = append(of, rolecall.Organization{APIName: owner, ExternalID: o.ExternalID, Connections: map[string]rolecall.Connection{name: c.Declared}})
		}
		return nil
	})
	return of, err
}

// ReleaseConnection ends the organization's claim on the connection's role or
// dispenser, and all work that depends on it.
func (s *Service) ReleaseConnection(ctx context.Context, c Call, organization, name string) error {
	op := operation{action: account.ConnectionRelease, organization: organization, connection: name, target: "connections/" + name}
	type found struct {
		o rolecall.Organization
		c store.Connection
	}
	// The audit record first: the claim is released even if the answer is lost.
	of, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (f found, err error) {
		stored, err := tx.Organization(ctx, organization)
		if err == nil {
			f.o, err = s.declared(ctx, tx, stored)
		}
		if err != nil {
			return f, err
		}
		f.c, err = connection(ctx, tx, c, organization, name)
		return f, err
	})
	if err != nil || c.DryRun {
		return err
	}
	worker, done, err := s.take()
	if err != nil {
		return err
	}
	defer done()
	_, err = worker.Release(ctx, of.o, of.c.Declared)
	return err
}
