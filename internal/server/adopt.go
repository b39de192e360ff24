package server

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
)

// Adopt moves an organization that the config declares, or declared, to the API,
// with the secrets that the config still has for it.
func (o *Opened) Adopt(ctx context.Context, c service.Call, organization string) (service.Adopted, error) {
	secrets := map[string]service.NewSecret{}
	for name, s := range o.config.Organizations[organization].Secrets {
		put := service.NewSecret{Type: s.Type, Bucket: s.Bucket, Host: s.Host}
		if s.Type == rolecall.SecretText {
			text, err := o.config.Bearer(ctx, organization, name)
			if err != nil {
				return service.Adopted{}, err
			}
			put.Value = text.Token
		} else {
			keys, err := o.config.Keys(ctx, organization, name)
			if err != nil {
				return service.Adopted{}, err
			}
			if keys.SessionToken != "" {
				continue // they end soon: others are to be put
			}
			put.AccessKeyID, put.SecretAccessKey = keys.AccessKeyID, keys.SecretAccessKey
		}
		secrets[name] = put
	}
	return o.Service.AdoptOrganization(ctx, c, organization, secrets)
}
