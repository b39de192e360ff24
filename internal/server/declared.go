package server

import "github.com/rolecall/rolecall"

// declared returns a function that reports whether a connection of an
// organization in the config has the role or dispenser: whoever may make
// connections over HTTP can have others checked, and not as many.
func declared(organizations map[string]rolecall.Organization) func(organization, target string) bool {
	return func(organization, target string) bool {
		for _, c := range organizations[organization].Connections {
			source := c.HTTPCredentialSource
			if source != nil && source.Normal().URL == target || source == nil && c.RoleARN != "" && c.RoleARN == target {
				return true
			}
		}
		return false
	}
}
