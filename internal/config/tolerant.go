package config

import (
	"maps"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Faulty is a connection as far as it could be read, and what is wrong with
// its declaration.
type Faulty struct {
	Connection rolecall.Connection
	Faults     rolecall.Errors
}

// LoadTolerant loads as Load does, but sets aside connections that are not well
// declared, or whose secret cannot be used, for those that diagnose them. A
// conflict with what another organization has is still a fault of the config:
// whose it is concerns the operator alone.
func LoadTolerant(path string) (*Config, error) { return load(path, setAside) }

func allFaults(_ *Config, faults rolecall.Errors) rolecall.Errors { return faults }

// setAside moves the faulty connections and their faults out of the way, and
// returns the other faults.
func setAside(c *Config, faults rolecall.Errors) rolecall.Errors {
	if c == nil {
		return faults
	}
	if c.Faulty == nil {
		c.Faulty = map[string]map[string]Faulty{}
	}
	var others rolecall.Errors
	for _, fault := range faults {
		org, names, ok := c.faultyBy(fault.Pointer)
		if !ok || fault.Code == rolecall.Conflict {
			others = append(others, fault)
			continue
		}
		for _, name := range names {
			c.fault(org, name, fault)
		}
	}
	return others
}

// fault sets a connection aside, if it is not yet.
func (c *Config) fault(org, name string, fault *rolecall.Error) {
	if c.Faulty[org] == nil {
		c.Faulty[org] = map[string]Faulty{}
	}
	f, already := c.Faulty[org][name]
	if !already {
		f.Connection = c.Organizations[org].Connections[name]
		delete(c.Organizations[org].Connections, name)
	}
	f.Faults = append(f.Faults, fault)
	c.Faulty[org][name] = f
}

// faultyBy returns the connections that cannot be used because of what a pointer
// leads to or into: a connection, or a secret, which it forgets. It reports
// whether it is one of the two.
func (c *Config) faultyBy(pointer string) (org string, names []string, ok bool) {
	for o, declared := range c.Organizations {
		all := maps.Clone(declared.Connections)
		for n, f := range c.Faulty[o] {
			all[n] = f.Connection
		}
		for n := range all {
			if leadsInto(pointer, strict.Pointer("organizations", o, "connections", n)) {
				return o, []string{n}, true
			}
		}
		for secret := range declared.Secrets {
			if !leadsInto(pointer, strict.Pointer("organizations", o, "secrets", secret)) {
				continue
			}
			for _, n := range sorted(all) {
				if source := all[n].HTTPCredentialSource; all[n].Secret == secret || source != nil && source.Secret == secret {
					names = append(names, n)
				}
			}
			delete(c.secrets[o], secret)
			return o, names, true
		}
	}
	return "", nil, false
}

func leadsInto(pointer, place string) bool {
	return pointer == place || strings.HasPrefix(pointer, place+"/")
}
