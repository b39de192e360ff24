package service

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
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
