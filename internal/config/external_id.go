package config

import (
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
