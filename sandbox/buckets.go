package sandbox

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

var _ s3.Directory = authority{}

// firstRegion is the one whose buckets have no location constraint.
const firstRegion = "us-east-1"

// Claim makes the caller's account the owner of a new bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (a authority) Claim(ctx context.Context, made s3.Bucket, keys map[string][]string) (s3.Bucket, *s3.Error) {
	c := callOf(ctx)
	if c.caller.anonymous() {
		return made, accessDenied(policy.Denial{}.String())
	}
	owner := c.caller.account
	for _, action := range creating(made) {
		access := s3.Access{Action: action, Resource: "arn:" + owner.partition + ":s3:::" + made.Name, Context: keys}
		if fail := a.Authorize(ctx, access); fail != nil {
			return made, fail
		}
	}
	if !validBucketName(made.Name) {
		return made, &s3.Error{Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid."}
	}
	region, fail := newBucketRegion(made.Region, c.region, owner.partition)
	if fail != nil {
		return made, fail
	}
	made.Account, made.Partition, made.Region = owner.id, owner.partition, region
	d := a.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if there := d.buckets[made.Name]; there != nil {
		if there.account == owner {
			made.Region = there.Region
			return made, &s3.Error{Status: http.StatusConflict, Code: s3.AlreadyOwned, Message: "Your previous request to create the named bucket succeeded and you already own it."}
		}
		return made, &s3.Error{
			Status: http.StatusConflict, Code: "BucketAlreadyExists",
			Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
		}
	}
	d.buckets[made.Name] = &bucket{Bucket: &Bucket{Region: made.Region}, name: made.Name, account: owner}
	return made, nil
}

// creating returns the permissions that making the bucket needs.
func creating(made s3.Bucket) []string {
	actions := []string{"s3:CreateBucket"}
	if made.Ownership != "" {
		actions = append(actions, "s3:PutBucketOwnershipControls")
	}
	if made.ObjectLock {
		actions = append(actions, "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")
	}
	return actions
}

// Release forgets a deleted bucket.
func (a authority) Release(name string) {
	d := a.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.buckets, name)
}

// Policy returns a bucket's policy as it was written.
func (a authority) Policy(name string) []byte {
	if b := a.directory.bucket(name); b != nil && b.Policy != nil {
		return b.Policy.JSON()
	}
	return nil
}

// SetPolicy puts a policy on a bucket, if it is valid there.
func (a authority) SetPolicy(name string, text []byte) *s3.Error {
	var doc *policy.Document
	if text != nil {
		var fail *s3.Error
		if doc, fail = a.directory.readBucketPolicy(name, text); fail != nil {
			return fail
		}
	}
	d := a.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.buckets[name]
	if b == nil { // deleted meanwhile
		return &s3.Error{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
	}
	changed, settings := *b, *b.Bucket
	settings.Policy, changed.Bucket = doc, &settings
	d.buckets[name] = &changed
	return nil
}

// readBucketPolicy reads a policy, and refuses in S3's words one that is not
// valid for the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func (d *directory) readBucketPolicy(name string, text []byte) (*policy.Document, *s3.Error) {
	malformed := func(message string) (*policy.Document, *s3.Error) {
		return nil, &s3.Error{Status: http.StatusBadRequest, Code: "MalformedPolicy", Message: message}
	}
	if !bytes.HasPrefix(text, []byte{'{'}) {
		return malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	if message := resourceFault(text); message != "" {
		return malformed(message)
	}
	written, _ := readStatements(text)
	for i := range written {
		if message := written[i].bucketFault(name); message != "" {
			return malformed(message)
		}
	}
	refused := func(principal string) (*policy.Document, *s3.Error) {
		_, fail := malformed("Invalid principal in policy")
		fail.Extra = []s3.Field{{Name: "Detail", Value: principal}}
		return nil, fail
	}
	doc, err := policy.Parse(text)
	if err != nil {
		if name := malformedPrincipal(text, err); name != "" {
			return refused(name)
		}
		return malformed(syntaxMessage(err))
	}
	if missing := d.missingPrincipal(doc); missing != "" {
		return refused(missing)
	}
	return doc, nil
}

// syntaxMessage returns S3's message about a policy that cannot be parsed.
func syntaxMessage(err error) string {
	_, operator, found := strings.Cut(rolecall.List(err)[0].Pointer, "/Condition/")
	if !found || strings.Contains(operator, "/") {
		return invalidSyntax
	}
	return "Invalid Condition type : " + cut(operator)
}

// bucketFault returns S3's message if the statement is not valid in the
// bucket's policy, or "".
func (s *writtenStatement) bucketFault(name string) string {
	resources := slices.Concat(s.Resource, s.NotResource)
	switch {
	case s.Principal == nil && s.NotPrincipal == nil:
		return "Missing required field Principal"
	case s.Resource == nil && s.NotResource == nil:
		return "Missing required field Resource"
	case len(resources) == 0:
		return "Missing required field Resource cannot be empty!"
	case !resources.all(func(r string) bool { return ofBucket(r, name) }):
		return "Policy has invalid resource"
	}
	return s.s3Fault()
}

// ofBucket reports whether a resource is the bucket or in it.
func ofBucket(resource, bucket string) bool {
	part := strings.SplitN(resource, ":", 6)
	if len(part) != 6 || part[0] != "arn" || part[2] != "s3" {
		return resource == "*"
	}
	name, _, _ := strings.Cut(part[5], "/")
	matched, err := path.Match(name, bucket)
	return matched && err == nil
}
