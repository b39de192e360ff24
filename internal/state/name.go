package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
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
	idDir        = "external-ids"
	generatedDir = idDir + "/generated"
	takenDir     = idDir + "/taken"
)

// Names returns the registry of external ids and api_names.
func (d *Dir) Names() Names { return Names{d} }

// Take implements tenant.Names.
func (n Names) Take(_ context.Context, name, organization string) error {
	file := takenFile(name)
	owner, err := n.line(file, func() string { return organization })
	switch {
	case err != nil:
		return err
	case owner != organization:
		return &tenant.TakenError{Owner: owner, Record: filepath.Join(n.dir.path, file)}
	}
	return nil
}

func takenFile(name string) string {
	return filepath.Join(takenDir, tenant.Digest(name))
}

// OwnerOf implements tenant.Names.
func (n Names) OwnerOf(_ context.Context, name string) (string, error) {
	owner, _, err := n.existing(takenFile(name))
	return owner, err
}

// GeneratedID implements tenant.Names.
func (n Names) GeneratedID(_ context.Context, organization string) (string, error) {
	if err := rolecall.ValidateAPIName(organization); err != nil {
		return "", err // it might lead elsewhere
	}
	file := filepath.Join(generatedDir, organization)
	id, found, err := n.existing(file)
	if err != nil || !found {
		return "", err
	}
	return n.checked(organization, file, id)
}

// GenerateID implements tenant.Names.
func (n Names) GenerateID(_ context.Context, organization string) (id, record string, err error) {
	if err := rolecall.ValidateAPIName(organization); err != nil {
		return "", "", err
	}
	if err := n.lostAll(); err != nil {
		return "", "", err
	}
	file := filepath.Join(generatedDir, organization)
	id, err = n.line(file, func() string {
		var bits [16]byte
		_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
		return hex.EncodeToString(bits[:])
	})
	if err == nil {
		id, err = n.checked(organization, file, id)
	}
	return id, filepath.Join(n.dir.path, file), err
}

// lostAll reports a directory that has claims or records of checks, which none has
// before external ids are registered, and none of these: it was restored in part.
func (n Names) lostAll() error {
	if _, err := os.Lstat(filepath.Join(n.dir.path, idDir)); !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with it is said where it is read
	}
	for _, kept := range []string{filepath.Join(verdictDir, "[^.]*"), filepath.Join(checkDir, "*", "[^.]*")} {
		if there, err := filepath.Glob(filepath.Join(globbed.Replace(n.dir.path), kept)); err == nil && len(there) > 0 {
			return &rolecall.Error{
				Code:    rolecall.Conflict,
				Message: "the state directory " + n.dir.path + " has claims or records of checks, but no external ids: they are lost",
				Hint:    "Operator: restore " + idDir + ". Where no customer's trust policy names an id of rolecall's, make it: mkdir -m 700 " + filepath.Join(n.dir.path, idDir),
			}
		}
	}
	return nil
}

// globbed escapes what Glob would read as a pattern.
var globbed = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// checked returns the id that was read from the file, if it is one.
func (n Names) checked(organization, file, id string) (string, error) {
	if generatedForm.MatchString(id) {
		return id, nil
	}
	return id, &rolecall.Error{
		Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", organization, "external_id"),
		Message: "the file " + filepath.Join(n.dir.path, file) + " holds no generated external id",
		Hint:    "Operator: put back the id that the customer's trust policy names; only if there is none, write a new one: openssl rand -hex 16",
	}
}

var generatedForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// existing returns the line in a file, if there is one.
func (n Names) existing(file string) (line string, found bool, err error) {
	data, err := n.dir.read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, n.dir.unusable("cannot read external ids in the state directory ", err)
	}
	return strings.TrimSpace(string(data)), true, nil
}

// line returns the line in a file, which it first writes where there is no
// file.
func (n Names) line(file string, first func() string) (string, error) {
	data, err := n.dir.readOrCreate(file, func() []byte { return []byte(first() + "\n") })
	if err != nil {
		return "", n.dir.unusable("cannot keep external ids in the state directory ", err)
	}
	return strings.TrimSpace(string(data)), nil
}
