package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// externalIDs resolves each organization's external id, and holds all of
// them, connections' and the api_names to one namespace: unique ignoring
// case, since a customer's account may compare them so.
func (r reader) externalIDs(f file) {
	taken := map[string]string{} // lowercase value: whose
	for _, name := range sorted(f.Organizations) {
		taken[strings.ToLower(name)] = name
	}
	claim := func(value, org, at string) {
		if value == "" {
			return
		}
		if owner, ok := taken[strings.ToLower(value)]; ok && owner != org {
			*r.faults = append(*r.faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: at,
				Message: "the external id is also that of, or the name of, the organization " + owner,
				Hint:    "external ids and api_names are unique, ignoring case",
			})
			return
		}
		taken[strings.ToLower(value)] = org
	}
	for _, name := range sorted(f.Organizations) {
		at := strict.Pointer("organizations", name)
		id := rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated}
		if given := f.Organizations[name].ExternalID; given != nil {
			id = r.given(*given, name, at+"/external_id")
		}
		org := r.config.Organizations[name]
		org.ExternalID = id
		r.config.Organizations[name] = org
		claim(id.Value, name, at+"/external_id/value")
		for n, conn := range org.Connections {
			if conn.ExternalID == nil {
				continue
			}
			place := at + strict.Pointer("connections", n, "external_id")
			own := r.given(*conn.ExternalID, name, place)
			if own.Mode == rolecall.ExternalIDGenerated {
				r.faults.Add(place+"/mode", "a connection's external id is not generated here", "leave it out to use the organization's, or give mode custom and a value")
			}
			conn.ExternalID = &own
			org.Connections[n] = conn
			claim(own.Value, name, place+"/value")
		}
	}
}

func (r reader) given(id rolecall.ExternalID, org, at string) rolecall.ExternalID {
	r.faults.AddErr(at, id.Validate())
	if id.Mode != rolecall.ExternalIDCustom && id.Value != "" {
		r.faults.Add(at+"/value", "only mode custom takes a value", "leave it out, or choose mode custom")
	}
	if id.Mode == rolecall.ExternalIDAPIName {
		id.Value = org
	}
	return id
}

// The state directory keeps, in files of one line each: generated/ORG, an
// organization's generated external id; and taken/DIGEST, whose an external id
// or api_name is and, since no such value is ever given to another, will be.
const (
	generatedDir = "external-ids/generated"
	takenDir     = "external-ids/taken"
)

// generate fills in the generated external ids, making those that are
// missing. An id once given is never changed: a customer's trust policy names
// it.
func (c *Config) generate() error {
	for _, name := range sorted(c.Organizations) {
		org := c.Organizations[name]
		if org.ExternalID.Mode != rolecall.ExternalIDGenerated {
			continue
		}
		path := filepath.Join(c.State, generatedDir, name)
		value, err := keep(path, fmt.Sprintf("%x", random()))
		if err != nil {
			return c.stateError(err)
		}
		if !generatedForm.MatchString(value) {
			return &rolecall.Error{
				Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", name, "external_id"),
				Message: "the file " + path + " holds no generated external id",
				Hint:    "put back the id that the customer's trust policy names; only if there is none, remove the file",
			}
		}
		org.ExternalID.Value = value
		c.Organizations[name] = org
	}
	return nil
}

var generatedForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// take notes whose each external id and api_name is, and refuses one that is,
// or ever was, another organization's.
func (c *Config) take() error {
	var faults rolecall.Errors
	for _, name := range sorted(c.Organizations) {
		org, at := c.Organizations[name], strict.Pointer("organizations", name)
		values := map[string]string{name: at, org.ExternalID.Value: at + "/external_id"}
		for n, conn := range org.Connections {
			if conn.ExternalID != nil {
				values[conn.ExternalID.Value] = at + strict.Pointer("connections", n, "external_id")
			}
		}
		for _, value := range sorted(values) {
			digest := sha256.Sum256([]byte(strings.ToLower(value)))
			path := filepath.Join(c.State, takenDir, hex.EncodeToString(digest[:16]))
			owner, err := keep(path, name)
			if err != nil {
				return c.stateError(err)
			}
			if owner != name {
				faults = append(faults, &rolecall.Error{
					Code: rolecall.Conflict, Pointer: values[value],
					Message: "the external id or api_name is, or was, that of the organization " + owner,
					Hint:    "they are never given to another, so that an old trust policy opens nothing; choose a new one. Only if the organization was renamed, remove " + path,
				})
			}
		}
	}
	return faults.Err()
}

func (c *Config) stateError(err error) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Pointer: "/state", Message: "cannot keep external ids in the state directory " + c.State,
		Hint: "make it writable, or give another directory as state", Err: err,
	}
}

// keep gives the line in a file, writing it first where there is no file. Of
// several processes that write one at once, all get the first's.
func keep(path, line string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(data)), err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(line + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	data, err = os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

// random gives the 128 bits of a generated external id.
func random() []byte {
	bits := make([]byte, 16)
	_, _ = rand.Read(bits) // never fails; see crypto/rand
	return bits
}
