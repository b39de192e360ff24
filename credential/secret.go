package credential

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
)

// SecretRequest asks for the static keys of an organization's secret, for use
// on one bucket. Static keys cannot be narrowed: they can do whatever their
// user may.
type SecretRequest struct {
	Organization string
	Secret       rolecall.Secret
	Bucket       string // that it is to be used for
	Revision     string // of the connection
}

// Secret gives the provider of a secret's keys. It refuses at each taking
// what the secret is not for.
func (v *Vault) Secret(r SecretRequest) *Provider {
	k := key{Subject: Subject{Organization: r.Organization}, Secret: r.Secret.Name, SecretVersion: r.Secret.Version, Bucket: r.Bucket, Revision: r.Revision}
	return &Provider{vault: v, key: k, refusal: r.refusal(), fetch: func(ctx context.Context) (fetched, error) {
		return v.reveal(ctx, r)
	}}
}

func (r SecretRequest) refusal() error {
	switch {
	case r.Secret.Type != rolecall.SecretAWSAccessKey:
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the secret %q holds no AWS access key", r.Secret.Name)}
	case r.Secret.Bucket != "" && r.Secret.Bucket != r.Bucket:
		return &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the secret %q is not for the bucket %q", r.Secret.Name, r.Bucket),
			Hint: "a secret is used for the bucket that it is bound to",
		}
	default:
		return nil
	}
}

func (v *Vault) reveal(ctx context.Context, r SecretRequest) (fetched, error) {
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
