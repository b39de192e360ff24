package config

import (
	"strings"

	"github.com/rolecall/rolecall"
)

// Faulty is a connection as far as it could be read, and what is wrong with
// its declaration.
type Faulty struct {
	Connection rolecall.Connection
	Faults     rolecall.Errors
}

// LoadTolerant loads as Load does, but sets connections that are not well
// declared aside, for those that diagnose them. A conflict with what another
// organization has is no such fault: whose it is concerns the operator alone.
func LoadTolerant(path string) (*Config, error) { return load(path, setAside) }

func strict(_ *Config, faults rolecall.Errors) rolecall.Errors { return faults }

// setAside moves the faulty connections and their faults out of the way, and
// gives the other faults.
func setAside(c *Config, faults rolecall.Errors) rolecall.Errors {
	if c == nil {
		return faults
	}
	c.Faulty = map[string]map[string]Faulty{}
	var others rolecall.Errors
	for _, fault := range faults {
		org, name := c.connectionAt(fault.Pointer)
		if name == "" || fault.Code == rolecall.Conflict {
			others = append(others, fault)
			continue
		}
		if c.Faulty[org] == nil {
			c.Faulty[org] = map[string]Faulty{}
		}
		f := c.Faulty[org][name]
		f.Connection, f.Faults = c.Organizations[org].Connections[name], append(f.Faults, fault)
		c.Faulty[org][name] = f
	}
	for org, connections := range c.Faulty {
		for name := range connections {
			delete(c.Organizations[org].Connections, name)
		}
	}
	return others
}

// connectionAt finds the connection that a fault's pointer leads to or into;
// the empty name, if none.
func (c *Config) connectionAt(pointer string) (org, name string) {
	for o, declared := range c.Organizations {
		for n := range declared.Connections {
			at := rolecall.Pointer("organizations", o, "connections", n)
			if pointer == at || strings.HasPrefix(pointer, at+"/") {
				return o, n
			}
		}
	}
	return "", ""
}
