package access

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// Request says who works at a place, and what is to be done there.
type Request struct {
	Organization string
	Principal    rolecall.Principal
	JobRegion    string // that the job names; empty: none
	ID           string // of the job, or of what else names role sessions
	Label        string // goes into the User-Agent, for the customer's CloudTrail
	TaskID       string // told to a dispenser, with Tool
	Tool         string

	// Place is where. Its Region is the bucket's as far as it is known, and its
	// Key a prefix if it is empty or ends in a slash, else one object.
	Place      rolecall.Place
	Operations []policy.Operation
	// Optional operations are allowed, too, as far as the session policy has
	// room; the last of them goes first. The customer's role need not allow them.
	Optional []policy.Operation
	// Unasked says that requests to write do not ask for the place's encryption:
	// they are those of a tool that is not ours.
	Unasked  bool
	Attempts int // of one request to S3; zero: as many as long transfers make
}

func (r Request) does(op policy.Operation) bool { return slices.Contains(r.Operations, op) }

// Scope returns what a session for the request may do: its operations on its
// place, and nothing wider.
func (r Request) Scope() policy.Scope {
	s := policy.Scope{
		Partition: r.Principal.ARN.Partition, Region: r.Place.Region, Bucket: r.Place.Bucket,
		Operations: slices.Clone(r.Operations), KMSKey: r.kmsKey(),
	}
	if key := r.Place.Key; key == "" || strings.HasSuffix(key, "/") {
		s.Prefixes = []string{key}
	} else {
		s.Objects = []string{key}
	}
	if r.does(policy.Write) && r.Place.ACL != "" && !r.does(policy.ACL) {
		s.Operations = append(s.Operations, policy.ACL)
	}
	return s
}

// kmsKey returns the KMS key that a session may use, through S3 and for its own
// objects only. This is the one rule for it:
//
//   - Who only reads may use any key: which ones the objects are under, only
//     their owner knows.
//   - Who writes may use the key that the place names, which its requests ask
//     for, and reads back what it wrote under that.
//   - Where the place asks for AES256, requests that say so need no key. Those
//     that do not say so fall to the bucket's default encryption, whose key only
//     the owner knows: any.
//   - Where the place asks for nothing, the bucket's default decides, too: any.
//   - Other operations need no key.
func (r Request) kmsKey() string {
	e := r.Place.Encryption
	switch {
	case !r.does(policy.Write) && !r.does(policy.Read) && !r.does(policy.ReadVersion):
		return ""
	case !r.does(policy.Write) || e == nil:
		return policy.AnyKey
	case e.Key != "":
		return e.Key
	case e.Type == "AES256" && !r.Unasked:
		return ""
	default:
		return policy.AnyKey
	}
}

// SessionPolicy returns the session policy of the request's scope, with the
// optional operations that there is room for. The error is a rolecall.Error of
// code Invalid if it does not fit without them.
func (r Request) SessionPolicy() ([]byte, error) {
	scope := r.Scope()
	for optional := r.Optional; ; optional = optional[:len(optional)-1] {
		with := scope
		with.Operations = slices.Concat(scope.Operations, optional)
		text, err := policy.Session(with)
		if err == nil || len(optional) == 0 {
			return text, err
		}
	}
}

// stsRegion returns the region whose STS is asked.
func (r Request) stsRegion() string { return r.Principal.STSRegion(r.JobRegion, r.Place) }

// Role asks the vault for a session of the place's role, without a policy.
func (r Request) Role() credential.Role {
	return credential.Role{
		Organization: r.Organization, Principal: r.Principal.Name, RoleARN: r.Place.RoleARN, ExternalID: r.Place.ExternalID,
		JobID: r.ID, TaskLabel: r.Label, Duration: r.Place.Duration, Region: r.stsRegion(), Revision: r.Place.Revision,
	}
}

// Dispenser asks the vault for the credentials of the place's dispenser, which
// is told what they are for. How far they reach is its decision.
func (r Request) Dispenser() credential.DispenserRequest {
	access := credential.AccessRead
	if r.does(policy.Write) || r.does(policy.Tag) {
		access = credential.AccessWrite
	}
	return credential.DispenserRequest{
		Organization: r.Organization, Principal: r.Principal.Name, Source: *r.Place.Dispenser, Secret: r.Place.Bearer, ExternalID: r.Place.ExternalID,
		JobID: r.ID, TaskID: r.TaskID, TaskLabel: r.Label, Tool: r.Tool,
		Bucket: r.Place.Bucket, Prefix: r.Place.Key, Access: access, Region: r.stsRegion(), Revision: r.Place.Revision,
	}
}
