package service

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// Adopted is an organization that was moved to the API.
type Adopted struct {
	Organization
	// Secrets are those that connections name and whose values are not known
	// here: they are to be put again.
	Secrets []string `json:"missing_secrets"`
}

// AdoptOrganization moves an organization that the config declares, or declared,
// to the API, with its ids, connections and history. Secrets, which may be nil,
// has the values of the secrets that the config declares for it; they are sealed.
// The code of its error is Conflict if the organization is the API's already.
func (s *Service) AdoptOrganization(ctx context.Context, c Call, organization string, secrets map[string]NewSecret) (Adopted, error) {
	op := operation{action: account.OrganizationAdopt, organization: organization}
	return change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (Adopted, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Adopted{}, err
		}
		if o.ManagedBy != string(ByConfig) {
			return Adopted{}, &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is the API's already", organization),
				Hint: "Operator: remove it from rolecall.yaml, if it is there",
			}
		}
		o.ManagedBy, o.Suspended = string(ByAPI), false
		if err := tx.UpdateOrganization(ctx, o); err != nil {
			return Adopted{}, err
		}
		for name, secret := range secrets {
			if err := secret.validate(); err != nil {
				return Adopted{}, err
			}
			if _, err := s.putSecret(ctx, tx, organization, name, secret); err != nil {
				return Adopted{}, err
			}
		}
		out := Adopted{Organization: s.organization(o), Secrets: []string{}}
		out.Secrets, err = missingSecrets(ctx, tx, organization)
		return out, err
	})
}

// missingSecrets returns the secrets that an organization's connections name and
// that it has not.
func missingSecrets(ctx context.Context, tx *store.Tx, organization string) ([]string, error) {
	known, err := secretsOf(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	connections, err := tx.Connections(ctx, organization, store.Page{Limit: everything})
	missing := []string{}
	for _, of := range connections {
		name := of.Declared.Secret
		if source := of.Declared.HTTPCredentialSource; source != nil {
			name = source.Secret
		}
		if _, has := known[name]; name != "" && !has {
			known[name] = rolecall.Secret{}
			missing = append(missing, name)
		}
	}
	return missing, err
}
