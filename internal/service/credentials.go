package service

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/vend"
)

// CredentialsRequest says which credentials of a connection are wanted.
type CredentialsRequest struct {
	Access vend.Access // empty: read
	Prefix string      // below the connection's; empty: all of it
}

// Credentials returns credentials of a connection for a tool, for an admin or a
// token that is for them. That they were asked for is on record before a
// session is, and what was given out after.
func (s *Service) Credentials(ctx context.Context, c Call, organization, name string, r CredentialsRequest) (aws.Credentials, error) {
	if r.Access == "" {
		r.Access = vend.Read
	}
	op := operation{action: account.CredentialsVend, organization: organization, connection: name, target: fmt.Sprintf("connections/%s %s %s", name, r.Access, r.Prefix)}
	var of subject
	grant, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (vend.Grant, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return vend.Grant{}, err
		}
		stored, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return vend.Grant{}, err
		}
		if c.Actor.Role == account.Credentials && r.Access == vend.Write && c.Actor.Access != string(vend.Write) {
			return vend.Grant{}, &rolecall.Error{Code: rolecall.Forbidden, Message: "the token is for reading", Hint: "You: ask an admin of the organization for a token with the access write"}
		}
		if stored.Status != string(Verified) {
			return vend.Grant{}, &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the connection %q is %s", name, stored.Status),
				Hint: "You: check it until it is verified: POST …/connections/" + name + "/checks, or rolecall check " + name,
			}
		}
		whole, err := s.declared(ctx, tx, o)
		if err != nil {
			return vend.Grant{}, err
		}
		whole.Connections[name], of = inUse(o, stored), subject{stored, idInForce(o, stored.Declared)}
		return vend.Plan(vend.Request{Organization: whole, Vendor: s.vendor(), Connection: name, Access: r.Access, Prefix: r.Prefix, Label: "credentials"})
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	credentials, err := s.vend(onlyWhile(ctx, of), grant)
	if err != nil {
		return aws.Credentials{}, err
	}
	err = s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit(ctx, tx, c, op, AuditRecord{
			Decision: Allowed, Reason: "given out", AWS: &AuditAWS{credentials.AccessKeyID, grant.SessionName(), grant.Place.RoleARN},
		})
	})
	return credentials, err
}

func (s *Service) vend(ctx context.Context, g vend.Grant) (aws.Credentials, error) {
	worker, done, err := s.take()
	if err != nil {
		return aws.Credentials{}, err
	}
	defer done()
	access := worker.Access(g.Organization)
	region, err := g.Region(ctx, access)
	if err != nil {
		return aws.Credentials{}, err
	}
	provider, err := g.Provider(access, region)
	if err != nil {
		return aws.Credentials{}, err
	}
	return vend.NewSource(provider, nil).Retrieve(ctx)
}
