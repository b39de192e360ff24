package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rolecall/rolecall"
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
		at := rolecall.Pointer("organizations", name)
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
			place := at + rolecall.Pointer("connections", n, "external_id")
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

// generate fills in the generated external ids from the state directory,
// making those that are missing. An id once given is never changed: a
// customer's trust policy names it.
func (c *Config) generate() error {
	for name, org := range c.Organizations {
		if org.ExternalID.Mode != rolecall.ExternalIDGenerated {
			continue
		}
		value, err := generated(filepath.Join(c.State, "external-ids"), name)
		if err != nil {
			return &rolecall.Error{
				Code: rolecall.Unavailable, Pointer: "/state", Message: "cannot keep generated external ids in the state directory " + c.State,
				Hint: "make it writable, or give another directory as state", Err: err,
			}
		}
		org.ExternalID.Value = value
		c.Organizations[name] = org
	}
	return nil
}

// generated gives the id in the file dir/org, making both where they are
// missing. Of two processes that make it at once, both get the first's.
func generated(dir, org string) (string, error) {
	path := filepath.Join(dir, org)
	data, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(data)), err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = fmt.Fprintf(tmp, "%x\n", random())
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
