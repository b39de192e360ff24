package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// The role is for one prefix of one bucket.
var s3OutsideConnection = rule{
	code: "s3-outside-connection", severity: Warning,
	title: "more is opened than the connection's bucket and prefix",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		bucket, objects := p.home()
		if bucket == "" {
			return
		}
		for _, s := range p.allows() {
			for _, r := range s.resources() {
				t := targetOf(r.text)
				if t.other || everyBucket(r.text) {
					continue
				}
				right := bucket
				if t.object {
					right = objects
				}
				if glob(right, r.text) {
					continue
				}
				f := found{at: r, message: quote(r.text) + " is not within " + right, hint: "name what the connection works on"}
				if glob(r.text, right) {
					f.message = quote(r.text) + " is more than the connection's " + right
					f.fix = func() { s.set("Resource", s.get("Resource").without(r).add(right)) }
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
		here = here || glob(r.text, bucket)
	}
	if !here {
		return
	}
	f := found{at: a, message: "names of objects can be listed outside of the prefix " + prefix, hint: "add a condition on s3:prefix"}
	if len(s.actions()) == 1 && strings.EqualFold(a.text, "s3:ListBucket") {
		f.fix = func() { s.addCondition("StringLike", "s3:prefix", text(literal(prefix)+"*")) }
	}
	p.report(f)
}
