package state

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Names keeps names in files of one line each: generated/ORGANIZATION has its
// generated external id, and taken/DIGEST whose a name is.
type Names struct{ dir *Dir }

const (
	generatedDir = "external-ids/generated"
	takenDir     = "external-ids/taken"
)

// Names returns the registry of external ids and api_names.
func (d *Dir) Names() Names { return Names{d} }

// Take implements tenant.Names.
func (n Names) Take(_ context.Context, name, organization string) error {
	digest := sha256.Sum256([]byte(strings.ToLower(name)))
	file := filepath.Join(takenDir, hex.EncodeToString(digest[:16]))
	owner, err := n.line(file, func() string { return organization })
	switch {
	case err != nil:
		return err
	case owner != organization:
		return &tenant.TakenError{Owner: owner, Record: filepath.Join(n.dir.path, file)}
	}
	return nil
}

// GeneratedID implements tenant.Names.
func (n Names) GeneratedID(_ context.Context, organization string) (string, error) {
	if err := rolecall.ValidateAPIName(organization); err != nil {
		return "", err // it might lead elsewhere
	}
	file := filepath.Join(generatedDir, organization)
	id, err := n.line(file, func() string {
		var bits [16]byte
		_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
		return hex.EncodeToString(bits[:])
	})
	if err == nil && !generatedForm.MatchString(id) {
		err = &rolecall.Error{
			Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", organization, "external_id"),
			Message: "the file " + filepath.Join(n.dir.path, file) + " holds no generated external id",
			Hint:    "put back the id that the customer's trust policy names; only if there is none, remove the file",
		}
	}
	return id, err
}

var generatedForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// line returns the line in a file, which it first writes where there is no
// file.
func (n Names) line(file string, first func() string) (string, error) {
	data, err := n.dir.readOrCreate(file, func() []byte { return []byte(first() + "\n") })
	if err != nil {
		return "", n.dir.unusable("cannot keep external ids in the state directory ", err)
	}
	return strings.TrimSpace(string(data)), nil
}
