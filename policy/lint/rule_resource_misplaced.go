package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A trust policy is about the role that it is attached to, and a bucket's policy
// about the bucket.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html
var resourceMisplaced = rule{
	code: "resource-misplaced", severity: Error,
	title: "a policy names a resource that it cannot be about",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, name := range []string{"Resource", "NotResource"} {
				element := s.Get(name)
				switch {
				case element == nil:
				case p.kind == policy.BucketDocument:
					p.foreign(s, name)
				default:
					p.report(found{
						at: element, message: "a trust policy takes no " + name, hint: "remove it; in a trust policy the role is the resource",
						fix: func() { s.Remove(name) }, widens: true,
					})
				}
			}
		}
	},
}

// foreign reports resources of other services than S3, and of other buckets, in a
// bucket's policy.
func (p *pass) foreign(s *statement, name string) {
	var wrong []*tree.Node
	what := map[*tree.Node]string{}
	home := p.home()
	for _, r := range s.Get(name).Each() {
		parts := strings.SplitN(r.Text, ":", 6)
		if len(parts) == 6 && parts[0] == "arn" && !glob(strings.ToLower(parts[2]), "s3") && !strings.Contains(parts[2], "$") {
			wrong = append(wrong, r)
			what[r] = " is no bucket or object, and S3 does not store a policy that names it"
		} else if bucket := literalBucket(r.Text); bucket != "" && bucket != home {
			wrong = append(wrong, r)
			what[r] = " is of another bucket than " + home + ", and S3 does not store a policy that names two"
		}
	}
	for _, r := range wrong {
		f := found{
			at: r, message: quote(r.Text) + what[r],
			hint: "remove it here, and write it into the policy of that resource or of the role",
		}
		if s.Get(name).Without(wrong...) != nil {
			f.same, f.fix = true, func() {
				if left := s.Get(name).Without(r); left != nil {
					s.Set(name, left)
				}
			}
		}
		p.report(f)
	}
}

// home returns the name of the bucket that a policy is for: the connection's, or
// the first that it names.
func (p *pass) home() string {
	if p.kit() != nil {
		return p.kit().Connection.Bucket
	}
	for _, s := range p.statements {
		for _, name := range []string{"Resource", "NotResource"} {
			for _, r := range s.Get(name).Each() {
				if bucket := literalBucket(r.Text); bucket != "" {
					return bucket
				}
			}
		}
	}
	return ""
}

// literalBucket returns the name of the bucket that an ARN is of, empty where it is
// not named whole or could be none.
func literalBucket(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "s3" || parts[3] != "" || parts[4] != "" {
		return ""
	}
	bucket, _, _ := strings.Cut(parts[5], "/")
	if !bucketName(bucket) || strings.Contains(bucket, "*") {
		return ""
	}
	return bucket
}
