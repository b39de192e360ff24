package vend

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// Access is what a tool may do below the prefix.
type Access string

// The accesses. Each may list: tools list before they read or write.
const (
	Read  Access = credential.AccessRead
	Write Access = credential.AccessWrite // and read
)

// MinDuration is the shortest session that tools get: they renew theirs up to
// a quarter of an hour ahead.
const MinDuration = 30 * time.Minute

// Request says what credentials a tool is to have.
type Request struct {
	Organization rolecall.Organization
	Vendor       rolecall.Vendor
	Principal    string // name; empty: the one of the connection's region, else the default
	Connection   string
	Access       Access
	Prefix       string        // below the connection's; empty: the whole of it
	Duration     time.Duration // of a session; zero: the connection's, else an hour
	Label        string        // goes into the User-Agent of STS calls
}

// Grant is a request that was found to be in order: whose role is assumed how,
// and what its sessions can do. Plan makes it.
type Grant struct {
	Principal rolecall.Principal
	Place     rolecall.Place // its Key is the prefix: empty, or ending in a slash

	organization string
	access       Access
	session      string // what names it, as a job's id does
	label        string
}

// Plan holds a request to the rules that a job of the same reach is held to.
// Nobody is contacted. Faults come in one answer, without pointers.
func Plan(r Request) (Grant, error) {
	c, ok := r.Organization.Connections[r.Connection]
	if !ok {
		return Grant{}, &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no connection %q", r.Connection)}
	}
	purpose := rolecall.Source
	switch r.Access {
	case Read:
	case Write:
		purpose = rolecall.Delivery
	default:
		return Grant{}, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("unknown access %q", string(r.Access)), Hint: "read or write"}
	}
	if r.Duration != 0 && (r.Duration < MinDuration || r.Duration > rolecall.MaxSessionDuration) {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("a tool's session cannot last %s", r.Duration),
			Hint: "tools renew theirs ahead of time: 30m to 12h",
		}
	}
	if c.Secret != "" {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the connection %q is authorized by a secret, whose keys are given to no tool", r.Connection),
			Hint: "static keys can neither be narrowed to the connection nor end: have the connection authorized by a role, or run a job",
		}
	}
	if c.HTTPCredentialSource != nil && r.Duration != 0 {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "how long credentials of a dispenser last is for the dispenser to decide", Hint: "leave the duration out",
		}
	}
	var faults rolecall.Errors
	principal, err := r.Vendor.PrincipalFor(r.Principal, c.Region)
	faults.AddErr("", err)
	faults.AddErr("", principal.CheckRegion(c.Region))
	place, err := r.Organization.Place(rolecall.PlaceRequest{
		Connection: r.Connection, Path: r.Prefix, Purpose: purpose, Vendor: r.Vendor, Principal: principal,
	})
	if faults.AddErr("", err); len(faults) > 0 {
		return Grant{}, withoutPointers(faults)
	}
	g := Grant{
		Principal: principal, Place: place,
		organization: r.Organization.APIName, access: r.Access, session: "tool-" + strings.ToLower(rand.Text()), label: r.Label,
	}
	if r.Duration != 0 {
		g.Place.Duration = r.Duration
	}
	g.Place.Duration = max(g.Place.Duration, MinDuration)
	return g, nil
}

// withoutPointers removes pointers into a step that nobody wrote.
func withoutPointers(faults rolecall.Errors) error {
	for _, e := range faults {
		e.Pointer = ""
	}
	return faults
}

// Provider gives the grant's credentials. Region is the bucket's, empty where
// it is not known. Nothing is called until a credential is taken. A dispenser
// is told the scope, and decides itself how far its credentials reach.
func (g Grant) Provider(vault *credential.Vault, region string) (*credential.Provider, error) {
	place := g.Place
	place.Region = region
	near := g.Principal.STSRegion("", place)
	if g.Place.Dispenser != nil {
		return vault.Dispenser(credential.DispenserRequest{
			Organization: g.organization, Principal: g.Principal.Name, Source: *g.Place.Dispenser, Secret: g.Place.Bearer, ExternalID: g.Place.ExternalID,
			JobID: g.session, TaskID: g.label, TaskLabel: g.label, Tool: "rolecall:" + g.label,
			Bucket: g.Place.Bucket, Prefix: g.Place.Key, Access: string(g.access), Region: near, Revision: g.Place.Revision,
		}), nil
	}
	scope := g.scope()
	scope.Region = region
	text, err := policy.Session(scope)
	if err != nil {
		return nil, err
	}
	return vault.Role(credential.Role{
		Organization: g.organization, Principal: g.Principal.Name, RoleARN: g.Place.RoleARN, ExternalID: g.Place.ExternalID,
		JobID: g.session, TaskLabel: g.label, Policy: text, Duration: g.Place.Duration, Region: near, Revision: g.Place.Revision,
	}), nil
}

// scope is what the tool's sessions may do. Which KMS keys the objects that it
// reads are under, only their owner knows.
func (g Grant) scope() policy.Scope {
	s := policy.Scope{
		Partition: g.Principal.ARN.Partition, Bucket: g.Place.Bucket, Prefixes: []string{g.Place.Key},
		Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey,
	}
	if g.access != Write {
		return s
	}
	s.Operations = append(s.Operations, policy.Write)
	if g.Place.ACL != "" {
		s.Operations = append(s.Operations, policy.ACL)
	}
	if e := g.Place.Encryption; e != nil && e.Key != "" {
		s.KMSKey = e.Key
	}
	return s
}
