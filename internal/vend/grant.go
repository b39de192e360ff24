package vend

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/policy"
)

// Access is what a tool may do below the prefix.
type Access string

// The accesses. Both include listing: tools list before they read or write.
const (
	Read  Access = credential.AccessRead
	Write Access = credential.AccessWrite // and read
)

// MinDuration is the shortest session for a tool, because tools renew up to a
// quarter of an hour ahead.
const MinDuration = 30 * time.Minute

// Request describes the credentials that a tool needs.
type Request struct {
	Organization rolecall.Organization
	Vendor       rolecall.Vendor
	Principal    string // name; empty: the one that serves the connection's region, else the default
	Connection   string
	Access       Access
	Prefix       string        // below the connection's; empty: the whole of it
	Duration     time.Duration // of a session; zero: the connection's, else an hour
	Label        string        // goes into the User-Agent of STS calls
}

// Grant is a valid request: which role is assumed how, and what its sessions
// can do. Plan makes it.
type Grant struct {
	Organization string // its api_name
	Principal    rolecall.Principal
	Place        rolecall.Place // its Key is the prefix: empty, or ending in a slash

	access  Access
	session string // part of the role session's name, like a job's id
	label   string
}

// Plan validates a request by the rules for a job at the same place. It
// contacts nobody. The error has all faults, without pointers.
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
		return Grant{}, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("unknown access %q", string(r.Access)), Hint: "You: write read or write"}
	}
	if r.Duration != 0 && (r.Duration < MinDuration || r.Duration > rolecall.MaxSessionDuration) {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("a tool's session cannot last %s", r.Duration),
			Hint: "You: give 30m to 12h, since tools renew ahead of time",
		}
	}
	if c.Secret != "" {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the connection %q is authorized by a secret, whose keys are given to no tool", r.Connection),
			Hint: "Operator: have the connection authorized by a role; static keys can neither be narrowed nor end. You: or run a job",
		}
	}
	if c.HTTPCredentialSource != nil && r.Duration != 0 {
		return Grant{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "how long credentials of a dispenser last is for the dispenser to decide", Hint: "You: leave the duration out",
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
		Organization: r.Organization.APIName, Principal: principal, Place: place,
		access: r.Access, session: "tool-" + strings.ToLower(rand.Text()), label: r.Label,
	}
	if r.Duration != 0 {
		g.Place.Duration = r.Duration
	}
	g.Place.Duration = max(g.Place.Duration, MinDuration)
	return g, nil
}

// withoutPointers removes the pointers, since they point into a step that
// nobody wrote.
func withoutPointers(faults rolecall.Errors) error {
	for _, e := range faults {
		e.Pointer = ""
	}
	return faults
}

// SessionName returns the name of the grant's role sessions, as the customer's
// CloudTrail shows it; empty for those of a dispenser.
func (g Grant) SessionName() string {
	if g.Place.RoleARN == "" {
		return ""
	}
	return credential.Role{Organization: g.Organization, JobID: g.session}.SessionName()
}

// Provider returns the grant's credentials. Region is the bucket's, empty if it
// is not known. Nothing is requested before the first Retrieve. A dispenser is
// sent the scope, and decides itself how far its credentials reach.
func (g Grant) Provider(a *access.Access, region string) (*credential.Provider, error) {
	g.Place.Region = region
	c, err := a.Credential(g.request())
	return c.Provider, err
}

// regionAttempts is how often the bucket's region is requested.
const regionAttempts = 3

// request returns what the tool may do. Its requests do not name the
// connection's encryption.
func (g Grant) request() access.Request {
	r := access.Request{
		Organization: g.Organization, Principal: g.Principal, ID: g.session, Label: g.label, TaskID: g.label, Tool: "rolecall:" + g.label,
		Place: g.Place, Operations: []policy.Operation{policy.Read, policy.List}, DefaultEncryption: true, Attempts: regionAttempts,
	}
	if g.access == Write {
		r.Operations = append(r.Operations, policy.Write)
	}
	return r
}
