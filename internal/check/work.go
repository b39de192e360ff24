package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
)

// work is one check under way: what is asked, and what its steps have learnt.
// A step writes only what it alone finds out, and reads only what steps found
// that it needs or comes after; so there is nothing to lock.
type work struct {
	Request
	*access.Access

	roleWork
	bucketWork
}

// roleWork is what the steps here learn.
type roleWork struct {
	arn     rolecall.ARN       // by declared; zero for connections without one
	earlier credential.Verdict // by claimed: what was known of the role before
	proof   proof              // by assumed
	drift   bool               // by assumed: the role had passed its probes once
	along   []string           // what was refused beside sts:AssumeRole; see alongside
}

// bucketWork is what the steps here learn.
type bucketWork struct {
	region    string // by located; empty: not known
	dispensed string // by owned: the account that a dispenser's credentials are of
	reading   *s3.Client
	listing   *listing // by owned: the first; taken by listable
	opened    bool     // by owned: that passed
	keys      []types.Object
	listed    bool // by listable: it passed
	readKey   *refusal.Answer
	read      bool                // by readable: it passed
	kept      rolecall.Encryption // by readable: of what it read
	writeWork
}

// writeWork is what the steps that write learn.
type writeWork struct {
	writing  *s3.Client
	begun    []string            // by writable: ids of uploads
	upload   string              // by writable: the one that goes on
	created  rolecall.Encryption // by writable: how S3 says that it encrypts
	writeKey *refusal.Answer     // by writable
	acl      *refusal.Answer     // by writable: why the connection's acl is refused
	parted   bool                // by inParts: it passed
	partKey  *refusal.Answer     // by inParts
	plain    []string            // by encrypted, then keyed: ids of uploads
	own      []string            // by belongs: ids of uploads
	stored   *string             // by writable, of a deep check: the version that was written; nil: none
}

// listing is an answer to a request to list the bucket.
type listing struct {
	keys  []types.Object
	err   error
	below error // of listing a name below the prefix
}

// request asks for access to the connection's place as its jobs do.
func (w *work) request(operations ...policy.Operation) access.Request {
	r := access.Request{
		Organization: w.Organization.APIName, Principal: w.Principal, ID: w.ID, Label: "check", TaskID: "check", Tool: rolecall.StorageGet,
		Place: w.place(), Operations: operations, Attempts: attempts,
	}
	if slices.Contains(operations, policy.Write) {
		r.Tool = rolecall.StoragePut
	}
	return r
}

// place is the connection's, with the region that was found.
func (w *work) place() rolecall.Place {
	p := w.Organization.PlaceOf(w.Connection)
	p.Region = cmp.Or(w.region, p.Region)
	p.Revision = w.ID // each check takes credentials of its own
	return p
}

// externalID is that of work on the connection.
func (w *work) externalID() string { return w.Organization.ExternalIDFor(w.Connection) }

// role asks for a session of the connection's role, as its jobs do; what the
// session may do is left to say. Steps that ask come after the one that finds
// the bucket: STS is asked near it.
func (w *work) role() credential.Role { return w.request().Role() }

// fixedKey is what a check writes below the connection's prefix.
const fixedKey = ".rolecall-check"

func (w *work) fixedKey() string { return w.Connection.Prefix + fixedKey }

// attempts of one request: who is overloaded is not waited for.
const attempts = 3

// endpoint is where S3 is; empty: AWS's.
func (w *work) endpoint() string {
	endpoint, _ := w.Endpoint(w.place())
	return endpoint
}

// owner is the account that must own the bucket, empty where nobody said.
func (w *work) owner() string {
	return cmp.Or(w.Connection.BucketOwner, w.arn.Account, w.dispensed)
}

// below says where in the bucket the connection is.
func (w *work) below() string {
	if w.Connection.Prefix == "" {
		return "anywhere in the bucket"
	}
	return fmt.Sprintf("below %q", w.Connection.Prefix)
}

// stepTimeout bounds one try of a step: who does not answer for so long is
// not reachable.
const stepTimeout = time.Minute

// slow reports whether the step's own time is over.
func slow(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSlow) }

var errSlow = fmt.Errorf("no answer within %s", stepTimeout)

// proof is what the probes of the role found out.
type proof struct {
	verdict credential.Verdict
	err     error
}

// form is what a request to write says in addition to the bytes.
type form struct {
	encryption *rolecall.Encryption
	acl, class string
}

func (w *work) declaredForm() form {
	c := w.Connection
	return form{c.Encryption, c.ACL, c.StorageClass}
}

func (f form) headers() (types.ServerSideEncryption, *string) {
	switch {
	case f.encryption == nil:
		return "", nil
	case f.encryption.Key == "":
		return types.ServerSideEncryption(f.encryption.Type), nil
	}
	return types.ServerSideEncryption(f.encryption.Type), aws.String(f.encryption.Key)
}

// accountOf is whose the key is, or the bucket when there is none.
func (w *work) accountOf(key string) string {
	if arn, err := rolecall.ParseARN(key); err == nil {
		return arn.Account
	}
	if e := w.Connection.Encryption; e != nil && key == "" {
		if arn, err := rolecall.ParseARN(e.Key); err == nil {
			return arn.Account
		}
	}
	return w.owner()
}

// identity names who acts on the bucket.
func (w *work) identity() string { return refusal.Identity(w.place()) }
