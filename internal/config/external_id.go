package config

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// externalIDs resolves each organization's external id. It reports those, and
// connections' own, that are another organization's external id or api_name: case
// does not count, since a customer's account may compare them so.
func (r reader) externalIDs(f file) {
	taken := map[string]string{} // organizations by lowercase value
	for _, name := range sorted(f.Organizations) {
		taken[strings.ToLower(name)] = name
	}
	take := func(value, org, at string) {
		if value == "" {
			return
		}
		if owner, ok := taken[strings.ToLower(value)]; ok && owner != org {
			*r.faults = append(*r.faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: at,
				Message: "the external id is also that of, or the name of, the organization " + owner,
				Hint:    "You: choose another; external ids and api_names are unique, ignoring case",
			})
			return
		}
		taken[strings.ToLower(value)] = org
	}
	for _, name := range sorted(f.Organizations) {
		at := strict.Pointer("organizations", name)
		id := rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated}
		if explicit := f.Organizations[name].ExternalID; explicit != nil {
			id = r.explicitID(*explicit, name, at+"/external_id")
		}
		org := r.config.Organizations[name]
		org.ExternalID = id
		r.config.Organizations[name] = org
		take(id.Value, name, at+"/external_id/value")
		for n, conn := range org.Connections {
			if conn.ExternalID == nil {
				continue
			}
			place := at + strict.Pointer("connections", n, "external_id")
			own := r.explicitID(*conn.ExternalID, name, place)
			if own.Mode == rolecall.ExternalIDGenerated {
				r.faults.Add(place+"/mode", "a connection's external id is not generated here", "You: leave it out to use the organization's, or give mode custom and a value")
			}
			conn.ExternalID = &own
			org.Connections[n] = conn
			take(own.Value, name, place+"/value")
		}
	}
}

// explicitID checks an external id that is declared.
func (r reader) explicitID(id rolecall.ExternalID, org, at string) rolecall.ExternalID {
	r.faults.AddErr(at, id.Validate())
	if id.Mode != rolecall.ExternalIDCustom && id.Value != "" {
		r.faults.Add(at+"/value", "only mode custom takes a value", "You: leave it out, or choose mode custom")
	}
	if id.Mode == rolecall.ExternalIDAPIName {
		id.Value = org
	}
	return id
}
