package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// target is what of S3 a value of Resource can match.
type target struct{ bucket, object, other bool }

// targetOf reads a value of Resource. A star reaches over slashes, so a
// bucket's name that ends in one matches objects too.
func targetOf(resource string) target {
	if resource == "*" {
		return target{true, true, true}
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 || parts[2] != "s3" || parts[3] != "" || parts[4] != "" {
		return target{other: true}
	}
	bucket, _, slash := strings.Cut(parts[5], "/")
	return target{bucket: !slash, object: slash || strings.Contains(bucket, "*")}
}

// bucketOf returns the ARN of the bucket that a resource is, or is in.
func bucketOf(resource string) string {
	bucket, _, _ := strings.Cut(resource, "/")
	return bucket
}

// onlyOnBuckets reports whether the action works on buckets and not on objects;
// onlyOnObjects the other way round.
func (a *action) onlyOnBuckets() bool { return a.on("bucket") && !a.on("object") }
func (a *action) onlyOnObjects() bool { return a.on("object") && !a.on("bucket") }

// exact returns the known action that a value of Action names without wildcards.
func exact(value string) *action { return catalog().actions[strings.ToLower(value)] }

// granted reports whether some Allow statement of the document has the action,
// whatever its resources and conditions.
func (p *pass) granted(name string) bool {
	for _, s := range p.allows() {
		if s.grants(name) != nil {
			return true
		}
	}
	return false
}

// grants returns the value of Action that has the action, or nil.
func (s *statement) grants(name string) *tree.Node {
	for _, a := range s.actions() {
		if glob(strings.ToLower(a.Text), strings.ToLower(name)) {
			return a
		}
	}
	return nil
}

// needed returns the S3 actions that the work on the connection needs; without
// one, those of a delivery.
func (p *pass) needed() []string {
	out := []string{"s3:GetObject", "s3:ListBucket"}
	k := p.kit()
	if k == nil || k.Connection.Purpose == rolecall.Delivery {
		out = append(out, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
	}
	if k != nil && k.Versioned {
		out = append(out, "s3:GetObjectVersion")
	}
	return out
}

// optional reports whether an action was asked for in addition to the needed
// ones or, without a connection, may have been.
func (p *pass) optional(name string) bool {
	if p.kit() == nil {
		return slices.Contains([]string{
			"s3:GetBucketLocation", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:ListBucketMultipartUploads", "s3:PutObjectTagging",
		}, name)
	}
	for _, g := range p.kit().Optional {
		if "s3:"+string(g) == name {
			return true
		}
	}
	return false
}

// matching returns the values of Resource that can match something; the others
// open nothing.
func (p *pass) matching(s *statement) []*tree.Node {
	return slices.DeleteFunc(slices.Clone(s.resources()), func(r *tree.Node) bool {
		message, _ := p.malformed(r.Text)
		return message != ""
	})
}

// connectionARNs returns the ARNs of the connection's bucket and of the objects below its
// prefix, empty without a connection.
func (p *pass) connectionARNs() (bucket, objects string) {
	if p.kit() == nil {
		return "", ""
	}
	c := p.kit().Connection
	bucket = "arn:" + p.partition() + ":s3:::" + c.Bucket
	return bucket, bucket + "/" + literal(c.Prefix) + "*"
}

// literal writes a text where *, ? and $ have a meaning.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func literal(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}

// partition returns the connection's, empty when it is not known.
func (p *pass) partition() string {
	k := p.kit()
	switch {
	case k == nil:
		return ""
	case k.Connection.Region != "":
		return rolecall.PartitionOf(k.Connection.Region)
	}
	if role, err := rolecall.ParseRoleARN(k.Connection.RoleARN); err == nil {
		return role.Partition
	}
	return "aws"
}
