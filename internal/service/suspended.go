package service

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/store"
)

// usable returns why no work may begin on a connection: it, or its organization,
// is suspended. Checks, credentials and jobs ask this, before they begin, in the
// transaction that records them.
func usable(o store.Organization, c store.Connection) error {
	switch {
	case o.Suspended:
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is suspended: rolecall.yaml does not declare it any more", o.APIName),
			Hint: "Operator: declare it again and send SIGHUP to rolecall serve, or run rolecall org adopt " + o.APIName,
		}
	case c.Suspended:
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the connection %q is suspended: rolecall.yaml does not declare it any more", c.Declared.Name),
			Hint: "Operator: declare it again and send SIGHUP to rolecall serve",
		}
	}
	return nil
}

// found returns a connection and its organization.
func found(ctx context.Context, tx *store.Tx, c Call, organization, name string) (store.Organization, store.Connection, error) {
	o, err := tx.Organization(ctx, organization)
	if err != nil {
		return o, store.Connection{}, err
	}
	stored, err := connection(ctx, tx, c, organization, name)
	return o, stored, err
}
