package access

import (
	"github.com/rolecall/rolecall/credential"
)

// Credential is a source of credentials for a request, with what users may know
// about it.
type Credential struct {
	*credential.Provider
	Session string // name of the role session, as in the customer's CloudTrail; empty: not a role's
	Policy  []byte // session policy; nil for a secret or a dispenser
}

// Credential returns the credentials for a request, by what authorizes its
// place: a role under a session policy, a secret or a dispenser. Nothing is
// requested before the first Retrieve. The error is that of SessionPolicy.
func (a *Access) Credential(r Request) (Credential, error) {
	switch {
	case r.Place.Secret.Name != "":
		return Credential{Provider: a.Vault.Secret(credential.SecretRequest{
			Organization: r.Organization, Secret: r.Place.Secret, Bucket: r.Place.Bucket, Revision: r.Place.Revision,
		})}, nil
	case r.Place.Dispenser != nil:
		return Credential{Provider: a.Vault.Dispenser(r.Dispenser())}, nil
	}
	text, err := r.SessionPolicy()
	if err != nil {
		return Credential{}, err
	}
	return a.UnderPolicy(r, text), nil
}

// UnderPolicy returns the credentials of the place's role under a session
// policy that the caller made.
func (a *Access) UnderPolicy(r Request, text []byte) Credential {
	role := r.Role()
	role.Policy = text
	return Credential{Provider: a.Vault.Role(role), Session: role.SessionName(), Policy: text}
}
