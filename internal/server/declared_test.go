package server

import (
	"testing"

	"github.com/rolecall/rolecall"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	const role, url = "arn:aws:iam::111122223333:role/media", "https://vend.example.com/v1"
	is := declared(map[string]rolecall.Organization{"acme": {Connections: map[string]rolecall.Connection{
		"masters": {RoleARN: role}, "vended": {HTTPCredentialSource: &rolecall.HTTPCredentialSource{URL: "https://VEND.example.com/v1"}}, "keys": {Secret: "keys"},
	}}})
	for _, c := range []struct {
		organization, target string
		want                 bool
	}{{"acme", role, true}, {"acme", url, true}, {"acme", role + "2", false}, {"acme", "", false}, {"globex", role, false}} {
		if got := is(c.organization, c.target); got != c.want {
			t.Errorf("%s of %s: %t", c.target, c.organization, got)
		}
	}
}
