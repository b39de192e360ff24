package credential

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
)

// Secret returns the provider of a secret's keys. Its Retrieve refuses what the
// secret is not for.
func (v *Vault) Secret(r SecretRequest) *Provider {
	return &Provider{vault: v, key: r.key(), refusal: admitSecret(r), fetch: func(ctx context.Context) (fetched, error) {
		return v.fetchSecret(ctx, r)
	}}
}

func (v *Vault) fetchSecret(ctx context.Context, r SecretRequest) (fetched, error) {
	if v.options.Secrets == nil {
		return fetched{}, &rolecall.Error{Code: rolecall.Internal, Message: "no secrets are kept here"}
	}
	keys, err := v.options.Secrets(ctx, r.Organization, r.Secret.Name)
	if err == nil {
		err = keys.Validate()
	}
	if err != nil {
		return fetched{}, fmt.Errorf("secret %s: %w", r.Secret.Name, err)
	}
	return fetched{credentials: keys.credentials("rolecall secret")}, nil
}
