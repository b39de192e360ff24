package task

import (
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// permissions are what S3 asks for each operation of a transfer.
var permissions = map[string]struct{ verb, action string }{
	"list": {"list", "s3:ListBucket"},
	"head": {"read", "s3:GetObject"},
	"get":  {"read", "s3:GetObject"},
	"put":  {"write", "s3:PutObject"},
	"copy": {"write", "s3:PutObject"},
	"tag":  {"tag", "s3:PutObjectTagging"},
}

// denied words a refusal of S3's. Where the denial names the kind of policy,
// that one; where it is silent, all that may be, and whose they are.
func denied(e *transfer.Error, at side, object string) *rolecall.Error {
	p := permissions[e.Op]
	if e.Op == "copy" && at.end == source {
		p = permissions["get"]
	}
	out := &rolecall.Error{Code: rolecall.Forbidden, Message: fmt.Sprintf("S3 refuses to %s %s", p.verb, object)}
	d, _ := policy.ReadDenial(e.Text)
	if d.Layer == "" {
		out.Hint = "S3 does not say why; any of these may be it: " + strings.Join(candidates(p.action, at), "; ")
		return out
	}
	action := p.action
	if d.NamesAction() {
		action = d.Action
	}
	how := "does not allow"
	if d.Explicit {
		how = "denies"
	}
	out.Message += fmt.Sprintf(": %s %s %s", layerName(d.Layer, action, at), how, action)
	out.Hint = layerHint(d, action, at)
	return out
}

// candidates are the policies that may have refused, the likeliest first.
func candidates(action string, at side) []string {
	owner := at.place.BucketOwner
	out := []string{fmt.Sprintf("%s may not allow %s on %s", identityName(at), action, resourceOf(action, at))}
	if owner == "" {
		out = append(out, fmt.Sprintf("the bucket policy of %q may refuse it", at.place.Bucket))
	} else {
		out = append(out, fmt.Sprintf("the bucket policy of %q (account %s) may refuse it, or not allow it to a role of another account", at.place.Bucket, owner))
	}
	if action == "s3:GetObject" || action == "s3:PutObject" {
		out = append(out, "the policy of the KMS key that the bucket uses, or the role's permissions on it, may lack "+keyActions(action))
	}
	if owner != "" {
		out = append(out, "the bucket may not belong to account "+owner+": then declare bucket_owner")
	}
	return append(out, "an organization policy may deny it")
}

func keyActions(action string) string {
	if action == "s3:PutObject" {
		return "kms:GenerateDataKey and kms:Decrypt"
	}
	return "kms:Decrypt"
}

func identityName(at side) string {
	switch {
	case at.place.Secret.Name != "":
		return fmt.Sprintf("the policies of the keys in the secret %q", at.place.Secret.Name)
	case at.place.Dispenser != nil:
		return "the policies of the session that the dispenser " + at.place.Dispenser.URL + " gives"
	default:
		return "the permissions policy of " + at.place.RoleARN
	}
}

// identity names who is refused, in a key's policy.
func identity(at side) string {
	if at.place.RoleARN == "" {
		return "the identity that these credentials are of"
	}
	return at.place.RoleARN
}

func layerName(l policy.DenialLayer, action string, at side) string {
	switch l {
	case policy.DeniedByIdentity:
		return identityName(at)
	case policy.DeniedByResource:
		if strings.HasPrefix(action, "kms:") {
			return "the KMS key's policy"
		}
		return fmt.Sprintf("the bucket policy of %q", at.place.Bucket)
	case policy.DeniedBySession:
		return "this step's session policy"
	case policy.DeniedByBoundary:
		return "the role's permissions boundary"
	case policy.DeniedBySCP:
		return "a service control policy of the role's organization"
	case policy.DeniedByRCP:
		return "a resource control policy of the bucket's organization"
	default:
		return "a VPC endpoint policy"
	}
}

func layerHint(d policy.Denial, action string, at side) string {
	switch d.Layer {
	case policy.DeniedByVPCE:
		return "the operator's network refuses it: the endpoint's policy is the operator's to change"
	case policy.DeniedBySession:
		return "the step asks for less than S3 needs here; report it to the operator"
	case policy.DeniedByResource:
		if strings.HasPrefix(action, "kms:") {
			return "the key's owner changes its policy for " + identity(at)
		}
		return fmt.Sprintf("the owner of the bucket %q changes its policy", at.place.Bucket)
	default:
		if d.Explicit {
			return "the role's account takes the Deny away, or excepts this"
		}
		if strings.HasPrefix(action, "kms:") {
			return fmt.Sprintf("the role's account adds %s on the bucket's KMS key", action)
		}
		return fmt.Sprintf("the role's account adds %s on %s", action, resourceOf(action, at))
	}
}

// resourceOf is what a policy has to name for the action, as far as the place
// tells.
func resourceOf(action string, at side) string {
	bucket := "arn:" + partitionOf(at) + ":s3:::" + at.place.Bucket
	switch {
	case action == "s3:ListBucket":
		return bucket
	case at.place.Key == "" || strings.HasSuffix(at.place.Key, "/"):
		return bucket + "/" + at.place.Key + "*"
	default:
		return bucket + "/" + at.place.Key
	}
}

func partitionOf(at side) string {
	if a, err := rolecall.ParseARN(at.place.RoleARN); err == nil {
		return a.Partition
	}
	return rolecall.PartitionOf(at.region)
}

// absent says that a listing shows no such object.
func (s *stage) absent(at side, key, pointer string) error {
	return &rolecall.Error{
		Code: rolecall.NotFound, Pointer: pointer,
		Message: fmt.Sprintf("there is no object %q", "s3://"+at.place.Bucket+"/"+key), Hint: "upper and lower case differ in keys",
	}
}

// hidden says that an object is either missing or denied, and that nobody
// without ListBucket can tell which.
func (s *stage) hidden(err error, at side, key, pointer string) error {
	return &rolecall.Error{
		Code: rolecall.Forbidden, Pointer: pointer, Err: err,
		Message: fmt.Sprintf("the object %q does not exist, or may not be read", "s3://"+at.place.Bucket+"/"+key),
		Hint: "without s3:ListBucket S3 answers both alike: look for a typing mistake in the key first, then at these: " +
			strings.Join(candidates("s3:GetObject", at), "; "),
	}
}
