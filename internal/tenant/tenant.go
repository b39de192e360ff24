// Package tenant is what rolecall must know of organizations, wherever it is
// kept: whose each external id and api_name is, and the values of secrets.
// Package tenanttest tests implementations.
//
// Which connections an organization has is package rolecall's concern. Files
// are package state's, and declarations package config's.
package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
)

// Names is the registry of external ids and api_names. Both are of one
// namespace, in which case does not count, and each is one organization's for
// ever: a name that was given up is never given to another, so that an old
// trust policy opens nothing. One registry may serve many processes at once.
type Names interface {
	// Take records that the name is the organization's. It is a TakenError,
	// and records nothing, where the name is, or was, another's.
	Take(ctx context.Context, name, organization string) error
	// OwnerOf returns whose the name is, or was; empty: nobody's.
	OwnerOf(ctx context.Context, name string) (organization string, err error)
	// GeneratedID returns the external id that was generated for the
	// organization; empty: none was.
	GeneratedID(ctx context.Context, organization string) (string, error)
	// GenerateID generates the organization's external id, unless it has one:
	// 32 characters of [0-9a-f], 128 bits of them random. It never changes.
	// GenerateID does not take it, and also returns where it is kept.
	GenerateID(ctx context.Context, organization string) (id, record string, err error)
}

// Generated is an external id that Register has generated.
type Generated struct {
	Organization, ID string
	Record           string // where it is kept, for the operator
}

// TakenError reports that a name is another organization's. Only the operator
// may see whose.
type TakenError struct {
	Owner  string
	Record string // where that is kept, for the operator; may be empty
}

// Error does not name the owner.
func (*TakenError) Error() string { return "the name is another organization's" }

// Secrets reads the values of organizations' secrets. The error for a secret
// that there is none of, or that holds something else, has the code NotFound.
type Secrets interface {
	Keys(ctx context.Context, organization, secret string) (credential.Keys, error)
	Bearer(ctx context.Context, organization, secret string) (credential.Bearer, error)
}

// Digest is what a registry may know a name by: it is the same whatever the
// case of the name.
func Digest(name string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return hex.EncodeToString(sum[:16])
}

// Read fills in the external ids that have been generated for declared
// organizations, and writes nothing: those that are still to be generated stay
// empty. It reports names that are another's, and an id that is lost.
func Read(ctx context.Context, names Names, organizations map[string]rolecall.Organization) error {
	if err := fill(ctx, names, organizations); err != nil {
		return err
	}
	var faults rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(organizations)) {
		pointers := namesOf(organizations[name])
		for _, value := range slices.Sorted(maps.Keys(pointers)) {
			switch owner, err := names.OwnerOf(ctx, value); {
			case err != nil:
				return err
			case owner != "" && owner != name:
				faults = append(faults, conflict(pointers[value], &TakenError{Owner: owner}))
			}
		}
	}
	return faults.Err()
}

// fill fills in the external ids that have been generated.
func fill(ctx context.Context, names Names, organizations map[string]rolecall.Organization) error {
	for _, name := range slices.Sorted(maps.Keys(organizations)) {
		org := organizations[name]
		if org.ExternalID.Mode != rolecall.ExternalIDGenerated {
			continue
		}
		var err error
		if org.ExternalID.Value, err = names.GeneratedID(ctx, name); err != nil {
			return err
		}
		if org.ExternalID.Value == "" {
			// Its api_name is taken once the id is there.
			switch owner, err := names.OwnerOf(ctx, name); {
			case err != nil:
				return err
			case owner == name:
				return lost(name)
			}
		}
		organizations[name] = org
	}
	return nil
}

// lost reports that an organization that was registered has no generated external
// id: it is lost, or was declared before. Which it was, only the operator knows.
func lost(organization string) error {
	return &rolecall.Error{
		Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", organization, "external_id"),
		Message: "the state directory knows the organization " + organization + ", but has no generated external id: it is lost, or was a custom one before",
		Hint:    "Operator: restore external-ids/generated/" + organization + ", or declare the old id with mode custom. For a new one: openssl rand -hex 16 > external-ids/generated/" + organization,
	}
}

// Register does what Read does, generates the external ids that are missing,
// and takes the names of the organizations. It returns the ids that it has
// generated. It reports all names that are another's. Pointers lead into the
// declaration of the organizations.
func Register(ctx context.Context, names Names, organizations map[string]rolecall.Organization) ([]Generated, error) {
	if err := fill(ctx, names, organizations); err != nil {
		return nil, err
	}
	var made []Generated
	for _, name := range slices.Sorted(maps.Keys(organizations)) {
		org := organizations[name]
		if org.ExternalID.Mode != rolecall.ExternalIDGenerated || org.ExternalID.Value != "" {
			continue
		}
		id, record, err := names.GenerateID(ctx, name)
		if err != nil {
			return made, err
		}
		org.ExternalID.Value = id
		organizations[name], made = org, append(made, Generated{name, id, record})
	}
	var faults rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(organizations)) {
		pointers := namesOf(organizations[name])
		for _, value := range slices.Sorted(maps.Keys(pointers)) {
			err := names.Take(ctx, value, name)
			var taken *TakenError
			switch {
			case errors.As(err, &taken):
				faults = append(faults, conflict(pointers[value], taken))
			case err != nil:
				return made, err
			}
		}
	}
	return made, faults.Err()
}

// namesOf returns an organization's names, each with the pointer to where it
// is declared.
func namesOf(o rolecall.Organization) map[string]string {
	at := strict.Pointer("organizations", o.APIName)
	pointers := map[string]string{o.APIName: at}
	if o.ExternalID.Value != "" {
		pointers[o.ExternalID.Value] = at + "/external_id"
	}
	for name, c := range o.Connections {
		if c.ExternalID != nil {
			pointers[c.ExternalID.Value] = at + strict.Pointer("connections", name, "external_id")
		}
	}
	return pointers
}

func conflict(pointer string, taken *TakenError) *rolecall.Error {
	e := &rolecall.Error{
		Code: rolecall.Conflict, Pointer: pointer, Message: "the external id or api_name is, or was, that of the organization " + taken.Owner,
		Hint: "Operator: choose another; a name is never given to a second organization, so that an old trust policy opens nothing",
	}
	if taken.Record != "" {
		e.Hint += fmt.Sprintf(". Operator: if this organization was renamed, remove %s", taken.Record)
	}
	return e
}
