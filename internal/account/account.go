// Package account says who may do what: actors, their roles, the actions of the
// service, and the tokens that actors present.
//
// Which organizations and grants there are is package store's, and every
// decision is asked for by package service.
package account

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rolecall/rolecall"
)

// Kind is what an actor is.
type Kind string

// The kinds of actor.
const (
	KindOperator Kind = "operator" // the vendor's, by token
	KindService  Kind = "service"  // a program of one organization, by token
	KindHost     Kind = "host"     // who runs a command on the service's machine
)

// Role is what an actor is in its organization.
type Role string

// The roles. Each of viewer, submitter and admin may do all that those before
// it may.
const (
	Viewer      Role = "viewer"      // reads
	Submitter   Role = "submitter"   // also works with jobs
	Admin       Role = "admin"       // also works with connections, secrets, tokens, members
	Credentials Role = "credentials" // takes the credentials of one connection, and nothing else
	Operator    Role = "operator"    // all organizations
)

// Roles are those that a token of an organization may have.
func Roles() []Role { return []Role{Viewer, Submitter, Admin, Credentials} }

// Actor is who asks for something, as found by what they presented.
type Actor struct {
	Kind         Kind
	ID           string // of the grant that was presented
	Name         string
	Organization string // api_name; empty: all
	Role         Role
	Connection   string // id; empty: all
	Access       string // to the connection: read or write
	Address      netip.Addr
	Expires      time.Time // zero: never
}

// Action is what an actor wants to do, as noun.verb.
type Action string

// The actions.
const (
	OrganizationList    Action = "organization.list"
	OrganizationCreate  Action = "organization.create"
	OrganizationGet     Action = "organization.get"
	ConnectionList      Action = "connection.list"
	ConnectionGet       Action = "connection.get"
	ConnectionPut       Action = "connection.put"
	ConnectionDelete    Action = "connection.delete"
	ConnectionRelease   Action = "connection.release"
	PoliciesGet         Action = "policies.get"
	CheckStart          Action = "check.start"
	CheckGet            Action = "check.get"
	TokenList           Action = "token.list"
	TokenCreate         Action = "token.create"
	TokenDelete         Action = "token.delete"
	SecretList          Action = "secret.list"
	SecretPut           Action = "secret.put"
	SecretDelete        Action = "secret.delete"
	CredentialsVend     Action = "credentials.vend"
	AuditList           Action = "audit.list"
	OperatorTokenCreate Action = "operator_token.create"
)

// needs returns the least role that an action needs.
func needs(do Action) Role {
	switch do {
	case OrganizationGet, OrganizationList, ConnectionList, ConnectionGet, PoliciesGet, CheckGet:
		return Viewer
	case ConnectionPut, ConnectionDelete, ConnectionRelease, CheckStart, TokenList, TokenCreate, TokenDelete, SecretList, SecretPut, SecretDelete, CredentialsVend, AuditList:
		return Admin
	}
	return Operator // all that is of no organization, and what nobody thought of
}

func rank(r Role) int {
	switch r {
	case Viewer:
		return 1
	case Submitter:
		return 2
	case Admin:
		return 3
	case Operator:
		return 4
	}
	return 0
}

// May returns nil if the actor may do it in the organization, which is empty
// for actions that are of none. It is NotFound for an organization that is not
// the actor's, as if there was none, and Forbidden for a role that may not.
func (a Actor) May(do Action, organization string) error {
	if a.Role == Operator && a.Organization == "" {
		return nil
	}
	if organization != "" && organization != a.Organization {
		return NoOrganization(organization)
	}
	if a.Role == Credentials && do == CredentialsVend {
		return nil
	}
	if least := needs(do); rank(a.Role) < rank(least) {
		hint := "You: ask an operator of the service"
		if least != Operator {
			hint = fmt.Sprintf("You: ask an admin of the organization for a token with the role %s", least)
		}
		return &rolecall.Error{Code: rolecall.Forbidden, Message: fmt.Sprintf("the role %s does not allow %s", a.Role, do), Hint: hint}
	}
	return nil
}

// NoOrganization is the answer for an organization that does not exist, or is
// another's.
func NoOrganization(name string) error {
	return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no organization %q", name), Hint: "You: check the api_name, and whose token you use"}
}

// ErrUnauthenticated is the answer to who presents nothing that is known.
var ErrUnauthenticated = &rolecall.Error{
	Code: rolecall.Unauthenticated, Message: "no token, or one that is not valid (any more)",
	Hint: "You: send Authorization: Bearer with a token that has not expired and was not revoked",
}
