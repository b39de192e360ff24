package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
)

// MaxSessionPolicy is how many characters STS takes as a session policy.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const MaxSessionPolicy = 2048

// Operation is a kind of work on a bucket that a session may be allowed.
type Operation string

// The operations, by the S3 permissions that each needs.
const (
	Read  Operation = "read"  // GetObject, which HEAD needs too
	List  Operation = "list"  // ListBucket, within the prefixes only
	Write Operation = "write" // PutObject and what multipart uploads need
	Tag   Operation = "tag"   // PutObjectTagging
	ACL   Operation = "acl"   // PutObjectAcl

	ReadVersion Operation = "read-version" // GetObjectVersion
	Delete      Operation = "delete"       // DeleteObject
	ReadTags    Operation = "read-tags"    // GetObjectTagging
	Sweep       Operation = "sweep"        // ListBucketMultipartUploads, of all the bucket: S3 cannot limit it to prefixes
)

// AnyKey stands for whichever KMS key the bucket's objects are under. It is
// still bound to use through S3 and to the scope's objects.
const AnyKey = "*"

// Scope is what one session may do: the operations on objects of one bucket
// below the prefixes, and on the exactly named objects.
type Scope struct {
	Partition  string   // empty: of the region, aws without one
	Region     string   // of the bucket; empty: any of the partition
	Bucket     string   //
	Prefixes   []string // each ends in a slash; "" is the whole bucket
	Objects    []string // exact keys
	Operations []Operation
	KMSKey     string // key ARN, AnyKey, or empty for no use of KMS
}

// Session returns the policy, minified, of a session that may do what each of
// the scopes allows, and no more, but for keys: where several use KMS, each key
// may be used for the objects of all of them. They may neither list nor sweep if
// they are several. It is an error of code Invalid when a scope is malformed, or
// when the policy is larger than STS takes.
//
// In addition to the Allow there are Denies of everything else: a bucket or key
// policy that grants to the session, or to everyone, goes past what a session
// policy merely does not allow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
func Session(scopes ...Scope) ([]byte, error) {
	if len(scopes) == 0 {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "a session needs a scope"}
	}
	for _, s := range scopes {
		if err := s.validate(); err != nil {
			return nil, err
		}
		if len(scopes) > 1 && (slices.Contains(s.Operations, List) || slices.Contains(s.Operations, Sweep)) {
			return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "a session of several scopes can neither list nor sweep"}
		}
	}
	text := session(scopes, conditioned).json()
	if len(text) > MaxSessionPolicy {
		text = session(scopes, bare).json()
	}
	if n := len(text); n > MaxSessionPolicy {
		return nil, &rolecall.Error{
			Code:    rolecall.Invalid,
			Message: fmt.Sprintf("the session policy for this step has %d characters, STS takes %d", n, MaxSessionPolicy),
			Hint:    "You: name fewer objects in one task, or give a shorter prefix",
		}
	}
	return []byte(text), nil
}

// DenyAll is a session policy under which a session can do nothing.
func DenyAll() []byte {
	return []byte(draft{{Effect: "Deny", Action: words{"*"}, Resource: words{"*"}}}.json())
}

func (s Scope) validate() error {
	var faults rolecall.Errors
	if s.Bucket == "" || strings.ContainsAny(s.Bucket, "*?$/:") {
		faults.Add("", "a session needs the name of one bucket", "")
	}
	if len(s.Operations) == 0 {
		faults.Add("", "a session needs an operation", "")
	}
	for _, op := range s.Operations {
		if _, known := operationActions[op]; !known {
			faults.Add("", fmt.Sprintf("unknown operation %q", string(op)), "You: name one of read, list, write, tag, acl, read-version, delete, read-tags, sweep")
		}
	}
	if len(s.Prefixes)+len(s.Objects) == 0 {
		faults.Add("", "a session needs a prefix or an object", "")
	}
	for _, p := range s.Prefixes {
		if !utf8.ValidString(p) || p != "" && !strings.HasSuffix(p, "/") {
			faults.Add("", fmt.Sprintf("the prefix %q does not end in a slash", p), "You: end it in a slash; without it, neighbours that begin alike would be reached too")
		}
	}
	for _, o := range s.Objects {
		if o == "" || !utf8.ValidString(o) {
			faults.Add("", fmt.Sprintf("%q is not an object key", o), "")
		}
	}
	if s.KMSKey != "" && s.KMSKey != AnyKey {
		a, err := rolecall.ParseARN(s.KMSKey)
		if err != nil || a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/") || strings.ContainsAny(s.KMSKey, "*?$") {
			faults.Add("", fmt.Sprintf("%q is not the ARN of a KMS key", s.KMSKey), "You: give the key's ARN; an alias cannot be used in a policy")
		}
	}
	return faults.Err()
}

var operationActions = map[Operation]struct{ s3, kms words }{
	Read:  {words{"s3:GetObject"}, words{"kms:Decrypt"}},
	List:  {words{"s3:ListBucket"}, nil},
	Write: {words{"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, words{"kms:GenerateDataKey", "kms:Decrypt"}},
	Tag:   {words{"s3:PutObjectTagging"}, nil},
	ACL:   {words{"s3:PutObjectAcl"}, nil},

	ReadVersion: {words{"s3:GetObjectVersion"}, words{"kms:Decrypt"}},
	Delete:      {words{"s3:DeleteObject"}, nil},
	ReadTags:    {words{"s3:GetObjectTagging"}, nil},
	Sweep:       {words{"s3:ListBucketMultipartUploads"}, nil},
}

// allOperations is the order in which permissions are written.
var allOperations = []Operation{Read, ReadVersion, ReadTags, Write, Tag, ACL, Delete, List, Sweep}

// allowForm is how the Allow statements are written. Bare leaves out the
// conditions that the Denies hold anyway, for scopes with long names.
type allowForm int

const (
	conditioned allowForm = iota
	bare
)

func (f allowForm) only(c draftConditions) draftConditions {
	if f == bare {
		return nil
	}
	return c
}
