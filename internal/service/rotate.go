package service

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// Rotation is how far the replacement of an organization's external id is.
type Rotation struct {
	Old         string              `json:"old"`
	New         string              `json:"new"`
	Connections []RotatedConnection `json:"connections"` // that use the organization's external id
}

// RotatedConnection says whether a connection passed its check with the new
// external id.
type RotatedConnection struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
}

// NewRotation is what RotateExternalID takes: nothing.
type NewRotation struct{}

// RotateExternalID begins to replace an organization's external id by one that it
// generates, or says how far that is. Verified connections go on with the old
// one until a check of them passes with the new one; policies take both. When no
// connection needs the old one any more, roles must refuse it.
func (s *Service) RotateExternalID(ctx context.Context, c Call, organization string, body Body) (Rotation, error) {
	op := operation{action: account.ExternalIDRotate, organization: organization, body: body, creates: true}
	out, err := change(ctx, s, c, op, func(*NewRotation) error { return nil }, func(ctx context.Context, tx *store.Tx, _ NewRotation) (Rotation, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Rotation{}, err
		}
		if o.ManagedBy == string(ByConfig) {
			return Rotation{}, &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is declared in rolecall.yaml", organization),
				Hint: fmt.Sprintf("Operator: move it to the API with rolecall org adopt %s, then rotate", organization),
			}
		}
		connections, err := tx.Connections(ctx, organization, store.Page{Limit: everything})
		if err != nil {
			return Rotation{}, err
		}
		begins := o.OldExternalID == ""
		if begins {
			var bits [16]byte
			_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
			o.OldExternalID, o.ExternalID = o.ExternalID.Value, rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated, Value: hex.EncodeToString(bits[:])}
			if err := tx.TakeName(ctx, o.ExternalID.Value, organization); err != nil {
				return Rotation{}, err
			}
			if err := tx.UpdateOrganization(ctx, o); err != nil {
				return Rotation{}, err
			}
		}
		out := Rotation{Old: o.OldExternalID, New: o.ExternalID.Value, Connections: []RotatedConnection{}}
		for _, of := range connections {
			if of.Declared.ExternalID != nil || of.Declared.Secret != "" {
				continue
			}
			if verified := of.Status == string(Verified); begins && verified {
				of.OnOldID = true
				if err := tx.PutConnection(ctx, of); err != nil {
					return Rotation{}, err
				}
			}
			out.Connections = append(out.Connections, RotatedConnection{Name: of.Declared.Name, Passed: of.Status == string(Verified) && !of.OnOldID})
		}
		if c.DryRun && begins {
			out.New = "" // another is generated when it is made
		}
		return out, endRotation(ctx, tx, organization)
	})
	if err == nil {
		s.stopOutdated()
	}
	return out, err
}

// endRotation retires an organization's old external id once no connection
// needs it any more. Whatever changes a connection calls it.
func endRotation(ctx context.Context, tx *store.Tx, organization string) error {
	o, err := tx.Organization(ctx, organization)
	if err != nil || o.OldExternalID == "" {
		return err
	}
	if left, err := tx.CountOnOldID(ctx, organization); err != nil || left > 0 {
		return err
	}
	if err := tx.RetireID(ctx, organization, o.OldExternalID); err != nil {
		return err
	}
	o.OldExternalID = ""
	return tx.UpdateOrganization(ctx, o)
}

// inUse returns a connection as work on it is to be done now: with the old
// external id as long as it is not known that the new one is accepted.
func inUse(o store.Organization, of store.Connection) rolecall.Connection {
	c := of.Declared
	if of.OnOldID && o.OldExternalID != "" {
		c.ExternalID = &rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: o.OldExternalID}
	}
	return c
}
