package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Without ListBucket S3 answers for a missing object as for a forbidden one,
// and no pattern of names can be resolved.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var s3ListMissing = rule{
	code: "s3-list-missing", severity: Warning,
	title: "objects can be read or written, and not listed",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		if p.granted("s3:ListBucket") {
			return
		}
		for _, s := range p.allows() {
			a := s.grants("s3:GetObject")
			if a == nil {
				a = s.grants("s3:PutObject")
			}
			if a == nil {
				continue
			}
			f := found{
				at: a, message: "s3:ListBucket is missing: a missing object looks like a forbidden one, and names with * cannot be resolved",
				hint: "allow s3:ListBucket on the bucket, limited by s3:prefix",
			}
			var add []*tree.Node
			kept := true
			for _, l := range p.listings(s.Get("Resource").Strings()) {
				n := l.statement()
				kept = p.keepConditions(n) && kept
				add = append(add, n)
			}
			if len(add) > 0 && kept {
				f.widens = true
				f.fix = func() {
					for _, n := range slices.Backward(add) {
						s.insertAfter(n)
					}
				}
			}
			p.report(f)
			return
		}
	},
}

// statement makes the statement that allows to list the bucket.
func (l listing) statement() *tree.Node {
	n := tree.Object("Effect", "Allow", "Action", "s3:ListBucket", "Resource", l.bucket)
	if len(l.prefixes) > 0 {
		n.Set("Condition", tree.Object("StringLike", tree.Object("s3:prefix", single(l.prefixes))))
	}
	return n
}
