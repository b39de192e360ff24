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

// Session builds the session policy of a scope, minified. It is an error of
// code Invalid when the scope is malformed, or when the policy is larger than
// STS takes; Split helps in the second case.
//
// Beside the Allow stand Denies of everything else: a bucket or key policy
// that grants to the session, or to everyone, goes past what a session policy
// merely does not allow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
func Session(s Scope) ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	text := s.draft(conditioned).json()
	if len(text) > MaxSessionPolicy {
		text = s.draft(bare).json()
	}
	if n := len(text); n > MaxSessionPolicy {
		return nil, &rolecall.Error{Code: rolecall.Invalid,
			Message: fmt.Sprintf("the session policy for this step has %d characters, STS takes %d", n, MaxSessionPolicy),
			Hint:    "name fewer objects in one task, or give a shorter prefix"}
	}
	return []byte(text), nil
}

// Split divides a scope with many prefixes and objects into scopes that each
// fit a session policy and together are the whole. A single name that does
// not fit is an error; nothing is ever widened.
func Split(s Scope) ([]Scope, error) {
	_, err := Session(s)
	if err == nil {
		return []Scope{s}, nil
	}
	if s.validate() != nil || len(s.Prefixes)+len(s.Objects) < 2 {
		return nil, err
	}
	first, second := s, s
	if p, o := len(s.Prefixes)/2, len(s.Objects)/2; p > 0 || o > 0 {
		first.Prefixes, second.Prefixes = s.Prefixes[:p], s.Prefixes[p:]
		first.Objects, second.Objects = s.Objects[:o], s.Objects[o:]
	} else {
		first.Objects, second.Prefixes = nil, nil
	}
	var all []Scope
	for _, half := range []Scope{first, second} {
		parts, err := Split(half)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	return all, nil
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
			faults.Add("", fmt.Sprintf("unknown operation %q", string(op)), "one of read, list, write, tag, acl")
		}
	}
	if len(s.Prefixes)+len(s.Objects) == 0 {
		faults.Add("", "a session needs a prefix or an object", "")
	}
	for _, p := range s.Prefixes {
		if !utf8.ValidString(p) || p != "" && !strings.HasSuffix(p, "/") {
			faults.Add("", fmt.Sprintf("the prefix %q does not end in a slash", p), "without it, neighbours that begin alike would be reached too")
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
			faults.Add("", fmt.Sprintf("%q is not the ARN of a KMS key", s.KMSKey), "an alias cannot be used in a policy")
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
}

// allOperations is the order in which permissions are written.
var allOperations = []Operation{Read, Write, Tag, ACL, List}

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

func (s Scope) draft(form allowForm) draft {
	partition := s.partition()
	bucket := "arn:" + partition + ":s3:::" + s.Bucket
	var objects, prefixes words
	for _, p := range s.Prefixes {
		objects, prefixes = append(objects, bucket+"/"+escapeLiteral(p)+"*"), append(prefixes, escapeLiteral(p)+"*")
	}
	for _, o := range s.Objects {
		objects, prefixes = append(objects, bucket+"/"+escapeLiteral(o)), append(prefixes, escapeLiteral(o))
	}
	has := map[Operation]bool{}
	for _, op := range s.Operations {
		has[op] = true
	}
	var onObjects, onKeys, everything words
	for _, op := range allOperations {
		if !has[op] {
			continue
		}
		if op != List {
			onObjects = append(onObjects, operationActions[op].s3...)
		}
		for _, action := range operationActions[op].kms {
			if s.KMSKey != "" && !slices.Contains(onKeys, action) {
				onKeys = append(onKeys, action)
			}
		}
		everything = append(everything, operationActions[op].s3...)
	}
	everything = append(everything, onKeys...)

	var doc draft
	var reach words // all resources that the session may touch
	if len(onObjects) > 0 {
		reach = append(reach, objects...)
		doc = append(doc, draftStatement{Effect: "Allow", Action: onObjects, Resource: objects})
	}
	var listing, elsewhere draftConditions
	if !slices.Contains(s.Prefixes, "") {
		listing = draftConditions{{"StringLike", "s3:prefix", prefixes}}
		elsewhere = draftConditions{{"StringNotLike", "s3:prefix", prefixes}}
	}
	if has[List] {
		reach = append(reach, bucket)
		doc = append(doc, draftStatement{Effect: "Allow", Action: words{"s3:ListBucket"}, Resource: words{bucket}, Condition: form.only(listing)})
	}
	via := s.via(partition)
	// With a Bucket Key the encryption context is the bucket's ARN.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
	context := append(words{bucket}, objects...)
	if len(onKeys) > 0 {
		key := words{s.key(partition)}
		reach = append(reach, key...)
		doc = append(doc, draftStatement{Effect: "Allow", Action: onKeys, Resource: key, Condition: form.only(draftConditions{
			{"StringLike", "kms:ViaService", via}, {"StringLike", encryptionContext, context}})})
	}

	doc = append(doc,
		draftStatement{Effect: "Deny", NotAction: everything, Resource: words{"*"}},
		draftStatement{Effect: "Deny", Action: words{"*"}, NotResource: reach})
	if has[List] && elsewhere != nil {
		// StringNotLike also holds for a request without the key, so a listing
		// of the whole bucket is denied.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
		doc = append(doc, draftStatement{Effect: "Deny", Action: words{"s3:ListBucket"}, Resource: words{"*"}, Condition: elsewhere})
	}
	if len(onKeys) > 0 {
		doc = append(doc,
			draftStatement{Effect: "Deny", Action: words{"kms:*"}, Resource: words{"*"}, Condition: draftConditions{{"StringNotLike", "kms:ViaService", via}}},
			draftStatement{Effect: "Deny", Action: words{"kms:*"}, Resource: words{"*"}, Condition: draftConditions{{"StringNotLike", encryptionContext, context}}})
	}
	return doc
}

// encryptionContext is the key under which S3 puts its context for KMS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
const encryptionContext = "kms:EncryptionContext:aws:s3:arn"

func (s Scope) partition() string {
	if s.Partition != "" {
		return s.Partition
	}
	return rolecall.PartitionOf(s.Region)
}

func (s Scope) key(partition string) string {
	if s.KMSKey != AnyKey {
		return s.KMSKey
	}
	return "arn:" + partition + ":kms:" + orAny(s.Region) + ":*:key/*"
}

func (s Scope) via(partition string) words {
	return words{"s3." + orAny(s.Region) + "." + rolecall.DNSSuffix(partition)}
}

func orAny(region string) string {
	if region == "" {
		return "*"
	}
	return region
}

// escape writes a literal for a place where *, ? and $ have a meaning.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func escapeLiteral(s string) string { return specials.Replace(s) }

var specials = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
