package service

import (
	"context"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// Offboarded says what a deleted organization leaves behind.
type Offboarded struct {
	APIName string `json:"api_name"`
	// Remains is what is still set up in the customer's accounts, for them to
	// remove.
	Remains []Remaining `json:"remains"`
	Notes   []string    `json:"notes"`
}

// Remaining is what a connection leaves at the customer.
type Remaining struct {
	Connection string `json:"connection"`
	Bucket     string `json:"bucket"`
	RoleARN    string `json:"role_arn,omitempty"`
	Dispenser  string `json:"dispenser,omitempty"` // its URL
	Secret     string `json:"secret,omitempty"`    // whose access key is the customer's
	KMSKey     string `json:"kms_key,omitempty"`   // whose policy may name the role
}

// DeleteOrganization ends all that an organization has: connections, claims,
// tokens, sessions, links, members, secrets and their key. Its names stay its
// own, and its audit records stay. It returns what remains at the customer.
func (s *Service) DeleteOrganization(ctx context.Context, c Call, organization string) (Offboarded, error) {
	op := operation{action: account.OrganizationDelete, organization: organization}
	var whole rolecall.Organization
	var connections []store.Connection
	out, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (Offboarded, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Offboarded{}, err
		}
		if err := c.match(o.Revision); err != nil {
			return Offboarded{}, err
		}
		if o.ManagedBy == string(ByConfig) && !o.Suspended {
			return Offboarded{}, &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is declared in rolecall.yaml", organization),
				Hint: "Operator: remove it there and send SIGHUP to rolecall serve, then delete it",
			}
		}
		if whole, err = s.declared(ctx, tx, o); err != nil {
			return Offboarded{}, err
		}
		if connections, err = tx.Connections(ctx, organization, store.Page{Limit: everything}); err != nil {
			return Offboarded{}, err
		}
		return remains(o, connections), tx.DeleteOrganization(ctx, organization)
	})
	if err != nil || c.DryRun {
		return out, err
	}
	s.stopOutdated()
	worker, done, err := s.take()
	if err != nil {
		return out, nil //nolint:nilerr // nobody works
	}
	defer done()
	for _, of := range connections { // what runs on a claim ends at once; without this, within 15 seconds
		if _, err := worker.Release(ctx, whole, of.Declared); err != nil && rolecall.CodeOf(err) != rolecall.Invalid {
			s.log.WarnContext(ctx, "work on a deleted organization's connection ends a little later", "org", organization, "connection", of.Declared.Name, "error", err)
		}
	}
	return out, nil
}

func remains(o store.Organization, connections []store.Connection) Offboarded {
	out := Offboarded{APIName: o.APIName, Remains: []Remaining{}, Notes: []string{
		"The api_name and the external ids are never given to another organization; audit records stay.",
		"Copies of the database that were made before still have the organization's data, sealed values and their key too.",
		fmt.Sprintf("AWS sessions that were given out end by themselves, within an hour or as long as the role allows; a deny by aws:TokenIssueTime before %s ends them now.", time.Now().UTC().Format(time.RFC3339)),
	}}
	for _, of := range connections {
		r := Remaining{Connection: of.Declared.Name, Bucket: of.Declared.Bucket, RoleARN: of.Declared.RoleARN, Secret: of.Declared.Secret}
		if d := of.Declared.HTTPCredentialSource; d != nil {
			r.Dispenser = d.URL
		}
		if e := of.Declared.Encryption; e != nil {
			r.KMSKey = e.Key
		}
		out.Remains = append(out.Remains, r)
	}
	return out
}
