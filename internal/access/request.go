package access

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// Request describes who works at a place, and what is done there.
type Request struct {
	Organization string
	Principal    rolecall.Principal
	JobRegion    string // as the job names it; empty: none
	ID           string // of the job, or of a check or tool; part of the role session's name
	Label        string // goes into the User-Agent, for the customer's CloudTrail
	TaskID       string // sent to a dispenser, with Tool
	Tool         string

	// Place is where the work is. Its Region is empty as long as it is unknown.
	// Its Key is a prefix if it is empty or ends in a slash, else one object.
	Place rolecall.Place
	// Objects are the keys that the request is for, as far as they are known: a
	// session reaches no others, where its policy has room for them.
	Objects []string
	// Outer is a beginning of Place.Key that is empty or ends in a slash: a session
	// reaches as far where a policy for Place.Key has no room. Nil: it may not.
	Outer      *string
	Operations []policy.Operation
	// Optional operations are also allowed, as far as the session policy has
	// room; the last ones are left out first. The customer's role need not
	// allow them.
	Optional []policy.Operation
	// DefaultEncryption is for tools that are not ours: their requests to write
	// do not name the place's encryption.
	DefaultEncryption bool
	Attempts          int // of one request to S3; zero: as many as in long transfers
}

func (r Request) does(op policy.Operation) bool { return slices.Contains(r.Operations, op) }

// Scope returns what a session for the request may do: its operations at its
// place, and nothing else.
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
//   - To read, any key is allowed, since only the owner knows which keys the objects
//     are encrypted with.
//   - To write, the key that the place names is allowed, which the requests name
//     too. It also serves to read what was written.
//   - If the place names AES256, requests that say so need no key. For requests
//     that do not, the bucket's default encryption applies, whose key only the
//     owner knows: any key is allowed.
//   - If the place names no encryption, the bucket's default applies too: any key.
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
	case e.Type == "AES256" && !r.DefaultEncryption:
		return ""
	default:
		return policy.AnyKey
	}
}

// maxObjects is how many objects a session policy may have room for.
const maxObjects = 32

// scopes returns the scopes of a session for the request, the narrowest first.
func (r Request) scopes() []policy.Scope {
	scope := r.Scope()
	var out []policy.Scope
	if n := len(r.Objects); n > 0 && n <= maxObjects {
		exact := scope
		exact.Prefixes, exact.Objects = nil, r.Objects
		out = append(out, exact)
	}
	out = append(out, scope)
	for key := r.Place.Key; r.Outer != nil && len(key) > len(*r.Outer); {
		key = key[:strings.LastIndexByte(strings.TrimSuffix(key, "/"), '/')+1]
		wider := scope
		wider.Prefixes, wider.Objects = []string{key}, nil
		out = append(out, wider)
	}
	return out
}

// SessionPolicy returns the session policy of the narrowest scope that there is
// room for with all optional operations, else of the narrowest with room for the
// most of them. If no scope fits without them, the error is a rolecall.Error of
// code Invalid.
func (r Request) SessionPolicy() ([]byte, error) {
	scopes := r.scopes()
	for optional := r.Optional; ; optional = optional[:len(optional)-1] {
		for i, scope := range scopes {
			scope.Operations = slices.Concat(scope.Operations, optional)
			text, err := policy.Session(scope)
			if err == nil || len(optional) == 0 && i == len(scopes)-1 {
				return text, err
			}
		}
	}
}

// stsRegion returns the region whose STS is called.
func (r Request) stsRegion() string { return r.Principal.STSRegion(r.JobRegion, r.Place) }

// Role returns the vault's request for a session of the place's role, without a
// policy.
func (r Request) Role() credential.Role {
	return credential.Role{
		Organization: r.Organization, Principal: r.Principal.Name, RoleARN: r.Place.RoleARN, ExternalID: r.Place.ExternalID,
		JobID: r.ID, Duration: r.Place.Duration, Region: r.stsRegion(), Revision: r.Place.Revision,
	}
}

// Dispenser returns the vault's request to the place's dispenser, with the
// scope. The dispenser decides how far its credentials reach.
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
