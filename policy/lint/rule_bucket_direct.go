package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A bucket policy that names a vendor's identity has no external id: whoever
// leads the vendor's worker to the bucket is let in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
var bucketDirect = rule{
	code: "bucket-direct", severity: Warning,
	title: "the vendor is let in directly, without a role and external id",
	kinds: []policy.Kind{policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, who := range s.principals() {
				arn, err := rolecall.ParseARN(who.Text)
				if who.kind != "AWS" || err != nil || !p.vendors(who.Text, arn) {
					continue
				}
				f := found{
					at: who.Node, message: who.Text + " is let in directly: no role and no external id stand between",
					hint: "allow a role of your own, whose trust policy asks the vendor for an external id",
				}
				if p.kit() != nil && p.kit().Connection.RoleARN != "" && p.withinConnection(s) {
					f.widens = true
					f.fix = func() { who.Become(tree.Text(p.kit().Connection.RoleARN)) }
				}
				p.report(f)
			}
		}
	},
}

// withinConnection reports whether a statement is about nothing but the
// connection's bucket and what is below its prefix.
func (p *pass) withinConnection(s *statement) bool {
	bucket := "arn:" + partitionOf(p.kit().Connection.RoleARN) + ":s3:::" + p.kit().Connection.Bucket
	return len(s.resources()) > 0 && !slices.ContainsFunc(s.resources(), func(r *tree.Node) bool {
		return r.Text != bucket && !strings.HasPrefix(r.Text, bucket+"/"+p.kit().Connection.Prefix)
	})
}

func partitionOf(arn string) string {
	parsed, err := rolecall.ParseARN(arn)
	if err != nil {
		return "aws"
	}
	return parsed.Partition
}

// vendors reports whether an identity is a vendor's: a declared one or, where none
// are known, a user, which people make for programs of others.
func (p *pass) vendors(arn string, parts rolecall.ARN) bool {
	if p.kit() != nil {
		return slices.Contains(p.options.Others, arn) || slices.Contains(p.vendorAccounts(), parts.Account)
	}
	return parts.Service == "iam" && strings.HasPrefix(parts.Resource, "user/")
}
