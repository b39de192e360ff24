package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// The role is for one prefix of one bucket.
var s3OutsideConnection = rule{
	code: "s3-outside-connection", severity: Warning,
	title: "more is opened than the connection's bucket and prefix",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		bucket, objects := p.connectionARNs()
		if bucket == "" {
			return
		}
		for _, s := range p.allows() {
			for _, r := range p.matching(s) {
				t := targetOf(r.Text)
				if t.other || everyBucket(r.Text) {
					continue
				}
				right := bucket
				if t.object {
					right = objects
				}
				if glob(right, r.Text) {
					continue
				}
				f := found{at: r, message: quote(r.Text) + " is not within " + right, hint: "name only the connection's bucket and prefix"}
				if glob(r.Text, right) {
					f.message = quote(r.Text) + " is more than the connection's " + right
					f.fix = func() { s.Set("Resource", s.Get("Resource").Without(r).Add(right)) }
				}
				p.report(f)
			}
			p.listsAll(s, bucket)
		}
	},
}

// listsAll reports a statement that lists the whole bucket where the
// connection has a prefix.
func (p *pass) listsAll(s *statement, bucket string) {
	prefix := p.kit().Connection.Prefix
	a := s.grants("s3:ListBucket")
	if prefix == "" || a == nil || len(s.on("s3:prefix")) > 0 {
		return
	}
	here := false
	for _, r := range s.resources() {
		here = here || glob(r.Text, bucket)
	}
	if !here {
		return
	}
	f := found{at: a, message: "names of objects can be listed outside of the prefix " + prefix, hint: "add a condition on s3:prefix"}
	if len(s.actions()) == 1 && strings.EqualFold(a.Text, "s3:ListBucket") {
		f.fix = func() { s.addCondition("StringLike", "s3:prefix", tree.Text(literal(prefix)+"*")) }
	} else { // the others would be denied by it
		f.hint = "give s3:ListBucket a statement of its own, with StringLike on s3:prefix " + literal(prefix) + "*"
	}
	p.report(f)
}
