package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Secret is a secret without its value.
type Secret struct {
	Name    string              `json:"name"`
	Type    rolecall.SecretType `json:"type" enum:"aws_access_key,text"`
	Bucket  string              `json:"bucket,omitempty"` // the only one that an access key is used for
	Host    string              `json:"host,omitempty"`   // the only one that a text is sent to
	Version int64               `json:"version"`          // 0: rolecall.yaml declares it
	Updated time.Time           `json:"updated"`
}

// NewSecret is what PutSecret takes: the value and what it is bound to, always
// together, so that nobody binds a value elsewhere that he does not know.
type NewSecret struct {
	Type            rolecall.SecretType `json:"type" enum:"aws_access_key,text"`
	AccessKeyID     string              `json:"access_key_id,omitempty"`
	SecretAccessKey string              `json:"secret_access_key,omitempty"`
	Bucket          string              `json:"bucket,omitempty"`
	Value           string              `json:"value,omitempty"`
	Host            string              `json:"host,omitempty"`
}

// String does not show the value.
func (NewSecret) String() string { return "secret" }

// GoString is String.
func (NewSecret) GoString() string { return "secret" }

func (n *NewSecret) validate() error {
	var faults rolecall.Errors
	s := rolecall.Secret{Type: n.Type, Bucket: n.Bucket, Host: n.Host}
	faults.AddErr("", s.Validate())
	n.Host = s.Host
	misplaced := map[string]string{}
	switch n.Type {
	case rolecall.SecretAWSAccessKey:
		faults.AddErr("", n.keys().Validate())
		misplaced["value"] = n.Value
	case rolecall.SecretText:
		misplaced["access_key_id"], misplaced["secret_access_key"], misplaced["bucket"] = n.AccessKeyID, n.SecretAccessKey, n.Bucket
		if n.Value == "" || len(n.Value) > maxSecret {
			faults.Add("/value", fmt.Sprintf("a text has 1 to %d bytes", maxSecret), "You: give the text as value")
		} else if n.Host != "" {
			faults.AddErr("/value", credential.Bearer{Token: n.Value}.Validate())
		}
	}
	for member, value := range misplaced {
		if value != "" {
			faults.Add("/"+member, fmt.Sprintf("a secret of type %s has no %s", n.Type, member), "You: leave it out")
		}
	}
	return faults.Err()
}

const maxSecret = 64 << 10

func (n *NewSecret) keys() credential.Keys {
	return credential.Keys{AccessKeyID: n.AccessKeyID, SecretAccessKey: n.SecretAccessKey}
}

// value is what is sealed.
func (n *NewSecret) value() ([]byte, error) {
	if n.Type == rolecall.SecretText {
		return []byte(n.Value), nil
	}
	return json.Marshal(map[string]string{"access_key_id": n.AccessKeyID, "secret_access_key": n.SecretAccessKey})
}

func secretOf(s store.Secret) Secret {
	return Secret{Name: s.Name, Type: s.Type, Bucket: s.Bucket, Host: s.Host, Version: s.Version, Updated: s.Updated}
}

func labelOf(s store.Secret) seal.Label {
	return seal.Label{Kind: "secret " + string(s.Type), Name: s.Name + " " + s.Bucket + " " + s.Host, Version: s.Version}
}

// PutSecret stores a secret, sealed. Its value is never shown again.
func (s *Service) PutSecret(ctx context.Context, c Call, organization, name string, body Body) (Secret, error) {
	op := operation{action: account.SecretPut, organization: organization, target: "secrets/" + name, body: body}
	valid := func(n *NewSecret) error {
		var faults rolecall.Errors
		faults.AddErr("", rolecall.ValidateName(name))
		faults.AddErr("", n.validate())
		return faults.Err()
	}
	return change(ctx, s, c, op, valid, func(ctx context.Context, tx *store.Tx, n NewSecret) (Secret, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Secret{}, err
		}
		if o.ManagedBy == string(ByConfig) { // without the value, which is in a file there
			declared := map[string]string{"type": string(n.Type), "file": "./" + name}
			for member, value := range map[string]string{"bucket": n.Bucket, "host": n.Host} {
				if value != "" {
					declared[member] = value
				}
			}
			return Secret{}, inConfig(organization, "secrets", name, declared)
		}
		return s.putSecret(ctx, tx, organization, name, n)
	})
}

// putSecret stores a secret, sealed.
func (s *Service) putSecret(ctx context.Context, tx *store.Tx, organization, name string, n NewSecret) (Secret, error) {
	version, err := tx.NextVersion(ctx, organization, name)
	if err != nil {
		return Secret{}, err
	}
	put := store.Secret{Organization: organization, Name: name, Type: n.Type, Bucket: n.Bucket, Host: n.Host, Version: version, Updated: tx.Now()}
	plain, err := n.value()
	if err != nil {
		return Secret{}, err
	}
	if put.Sealed, err = s.keyring.seal(ctx, tx, organization, labelOf(put), plain); err != nil {
		return Secret{}, err
	}
	return secretOf(put), tx.PutSecret(ctx, put)
}

// DeleteSecret destroys a secret's value. The code of its error is Conflict
// while a connection names it.
func (s *Service) DeleteSecret(ctx context.Context, c Call, organization, name string) error {
	op := operation{action: account.SecretDelete, organization: organization, target: "secrets/" + name}
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		if _, err := changeable(ctx, tx, organization); err != nil {
			return nothing{}, err
		}
		users, err := tx.Connections(ctx, organization, store.Page{Limit: everything})
		if err != nil {
			return nothing{}, err
		}
		for _, user := range users {
			if source := user.Declared.HTTPCredentialSource; user.Declared.Secret == name || source != nil && source.Secret == name {
				return nothing{}, &rolecall.Error{
					Code: rolecall.Conflict, Message: fmt.Sprintf("the connection %q uses the secret", user.Declared.Name),
					Hint: "You: change or delete the connection first",
				}
			}
		}
		err = tx.DeleteSecret(ctx, organization, name)
		if errors.Is(err, store.ErrNone) {
			err = &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no secret %q", name), Hint: "You: list the organization's secrets"}
		}
		return nothing{}, err
	})
	return err
}

// Secrets returns an organization's secrets, without their values.
func (s *Service) Secrets(ctx context.Context, c Call, organization string, p Page) (List[Secret], error) {
	op := operation{action: account.SecretList, organization: organization}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[Secret], error) {
		list := List[Secret]{Results: []Secret{}}
		limit, after, err := p.after("secrets " + organization)
		if err != nil {
			return list, err
		}
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return list, err
		}
		if o.ManagedBy == string(ByConfig) {
			declared := s.settings().Organizations[organization].Secrets
			for _, name := range slices.Sorted(maps.Keys(declared)) {
				switch of := declared[name]; {
				case name <= after:
				case len(list.Results) == limit:
					list.Next = cursor("secrets "+organization, list.Results[limit-1].Name)
					return list, nil
				default:
					list.Results = append(list.Results, Secret{Name: name, Type: of.Type, Bucket: of.Bucket, Host: of.Host, Updated: o.Created})
				}
			}
			return list, nil
		}
		stored, err := tx.Secrets(ctx, organization, after, limit+1)
		for i, kept := range stored {
			if i == limit {
				list.Next = cursor("secrets "+organization, stored[i-1].Name)
				break
			}
			list.Results = append(list.Results, secretOf(kept))
		}
		return list, err
	})
}

// Values reads the values of secrets: those of organizations of the config
// where it says that they are, all others in the store. It implements
// tenant.Secrets.
type Values struct {
	Store    *store.Store
	Keyring  *Keyring
	Declared tenant.Secrets
}

// Keys implements tenant.Secrets.
func (v Values) Keys(ctx context.Context, organization, name string) (credential.Keys, error) {
	text, declared, err := v.value(ctx, organization, name, rolecall.SecretAWSAccessKey)
	switch {
	case declared:
		return v.Declared.Keys(ctx, organization, name)
	case err != nil:
		return credential.Keys{}, err
	}
	return credential.ReadKeys(text)
}

// Bearer implements tenant.Secrets.
func (v Values) Bearer(ctx context.Context, organization, name string) (credential.Bearer, error) {
	text, declared, err := v.value(ctx, organization, name, rolecall.SecretText)
	switch {
	case declared:
		return v.Declared.Bearer(ctx, organization, name)
	case err != nil:
		return credential.Bearer{}, err
	}
	return credential.Bearer{Token: string(text)}, nil
}

func (v Values) value(ctx context.Context, organization, name string, of rolecall.SecretType) (plain []byte, declared bool, err error) {
	err = v.Store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.Organization(ctx, organization)
		if declared = err == nil && o.ManagedBy == string(ByConfig); declared {
			return nil
		}
		kept, err := tx.Secret(ctx, organization, name)
		if errors.Is(err, store.ErrNone) || err == nil && kept.Type != of {
			return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no secret %q of type %s", name, of)}
		}
		if err != nil {
			return err
		}
		plain, err = v.Keyring.open(ctx, tx, organization, labelOf(kept), kept.Sealed)
		return err
	})
	return plain, declared, err
}

// secretsOf returns what connections of an organization of the API may name.
func secretsOf(ctx context.Context, tx *store.Tx, organization string) (map[string]rolecall.Secret, error) {
	stored, err := tx.Secrets(ctx, organization, "", everything)
	out := map[string]rolecall.Secret{}
	for _, s := range stored {
		out[s.Name] = rolecall.Secret{Name: s.Name, Type: s.Type, Version: strconv.FormatInt(s.Version, 10), Bucket: s.Bucket, Host: s.Host}
	}
	return out, err
}
