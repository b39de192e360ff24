package cli

import (
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
)

// connection finds a declared connection and whose it is. The organization
// may be left out where only one has a connection of that name.
func connection(cfg *config.Config, org, name string) (rolecall.Organization, rolecall.Connection, error) {
	var having []string
	for _, o := range sortedKeys(cfg.Organizations) {
		if _, ok := cfg.Organizations[o].Connections[name]; ok && (org == "" || org == o) {
			having = append(having, o)
		}
	}
	switch {
	case len(having) == 1:
		o := cfg.Organizations[having[0]]
		return o, o.Connections[name], nil
	case len(having) > 1:
		return rolecall.Organization{}, rolecall.Connection{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("several organizations have a connection %q", name), Hint: "You: give --org; declared: " + orNone(having),
		}
	}
	var names []string
	for _, o := range sortedKeys(cfg.Organizations) {
		if org == "" || org == o {
			names = append(names, sortedKeys(cfg.Organizations[o].Connections)...)
		}
	}
	if _, err := organization(cfg, org); org != "" && err != nil {
		return rolecall.Organization{}, rolecall.Connection{}, err
	}
	return rolecall.Organization{}, rolecall.Connection{}, &rolecall.Error{
		Code: rolecall.NotFound, Message: fmt.Sprintf("there is no connection %q", name), Hint: "You: name one that is declared: " + orNone(names),
	}
}
