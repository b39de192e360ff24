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
	KindOperator Kind = "operator"   // the vendor's, by token or session
	KindService  Kind = "service"    // a program of one organization, by token
	KindMember   Kind = "member"     // a person of one organization, by session
	KindSetup    Kind = "setup_link" // whoever has the setup link of one connection
	KindHost     Kind = "host"       // who runs a command on the service's machine
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
	Setup       Role = "setup"       // connects one connection, and nothing else
	Operator    Role = "operator"    // all organizations
)

// Roles are those that a token of an organization may have.
func Roles() []Role { return append(MemberRoles(), Credentials) }

// MemberRoles are those that a person may have in an organization.
func MemberRoles() []Role { return []Role{Viewer, Submitter, Admin} }

// Actor is who asks for something, as found by what they presented.
type Actor struct {
	Kind         Kind
	ID           string // of the grant that was presented
	Name         string
	Organization string // api_name; empty: all
	Role         Role
	Connection   string // id; empty: all
	Access       string // to the connection: read or write
	Setup        Blanks // of a setup link
	Member       string // id; empty: no member of an organization
	Address      netip.Addr
	Expires      time.Time // zero: never
}

// Blanks are what the holder of a setup link may fill in beside the role and
// its region.
type Blanks struct {
	Account string   `json:"account,omitempty"` // whose role it has to be; empty: any
	Members []string `json:"members,omitempty"` // of the connection, as JSON pointers
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
	SetupLinkGet        Action = "setup_link.get" // by its holder
	SetupLinkList       Action = "setup_link.list"
	SetupLinkCreate     Action = "setup_link.create"
	SetupLinkDelete     Action = "setup_link.delete"
	OrganizationPatch   Action = "organization.patch"
	OrganizationDelete  Action = "organization.delete"
	OrganizationAdopt   Action = "organization.adopt"
	JobRun              Action = "job.run"
	SealRotate          Action = "seal.rotate"
	ExternalIDRotate    Action = "external_id.rotate"
	MemberList          Action = "member.list"
	MemberInvite        Action = "member.invite"
	MemberDelete        Action = "member.delete"
	SessionList         Action = "session.list"
	SessionCreate       Action = "session.create"
	SessionDelete       Action = "session.delete"
	SignInLinkCreate    Action = "signin_link.create"
	PolicyLint          Action = "policy.lint"
	PolicySimulate      Action = "policy.simulate"
	PolicyExplain       Action = "policy.explain"
	OperatorAuditList   Action = "operator_audit.list"
	OperatorTokenList   Action = "operator_token.list"
	OperatorTokenCreate Action = "operator_token.create"
	OperatorTokenDelete Action = "operator_token.delete"
)

// needs returns the least role that an action needs.
func needs(do Action) Role {
	switch do {
	case OrganizationGet, OrganizationList, ConnectionList, ConnectionGet, PoliciesGet, CheckGet, SessionList, SessionDelete, PolicyLint, PolicySimulate, PolicyExplain:
		return Viewer
	case ConnectionPut, ConnectionDelete, ConnectionRelease, CheckStart, TokenList, TokenCreate, TokenDelete, SecretList, SecretPut, SecretDelete, CredentialsVend, AuditList,
		SetupLinkList, SetupLinkCreate, SetupLinkDelete, OrganizationPatch, ExternalIDRotate, MemberList, MemberInvite, MemberDelete:
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

// mayBound reports whether a role that is for one connection may do it there.
func mayBound(r Role, do Action) bool {
	switch do {
	case CredentialsVend:
		return r == Credentials
	case SetupLinkGet, ConnectionGet, ConnectionPut, PoliciesGet, CheckStart, CheckGet:
		return r == Setup
	}
	return false
}

// ErrNoSetupLink is the answer to who asks what their setup link is for, and has
// none.
var ErrNoSetupLink = &rolecall.Error{Code: rolecall.Forbidden, Message: "the token is no setup link's", Hint: "You: send the token of a setup link: the last part of its URL"}

// May returns nil if the actor may do it in the organization, which is empty
// for actions that are of none. It is NotFound for an organization that is not
// the actor's, as if there was none, and Forbidden for a role that may not.
func (a Actor) May(do Action, organization string) error {
	if a.Role == Operator && a.Organization == "" && do != SetupLinkGet {
		return nil
	}
	if organization != "" && organization != a.Organization {
		return NoOrganization(organization)
	}
	if mayBound(a.Role, do) {
		return nil
	}
	if do == SetupLinkGet {
		return ErrNoSetupLink
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

// MayReach reports whether the actor may reach the connection with the id: one
// that is bound to a connection reaches no other, and none that was made again by
// its name.
func (a Actor) MayReach(connection string) bool {
	return a.Connection == "" || a.Connection == connection
}

// NoOrganization is the answer for an organization that does not exist, or is
// another's.
func NoOrganization(name string) error {
	return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no organization %q", name), Hint: "You: check the api_name, and whose token you use"}
}

// ErrUnauthenticated is the answer to who presents nothing that is known.
var ErrUnauthenticated = &rolecall.Error{
	Code: rolecall.Unauthenticated, Message: "no token, or one that is not valid (any more)",
	Hint: "You: send a token that has not expired and was not revoked, by Authorization: Bearer, or ROLECALL_TOKEN of the command",
}
