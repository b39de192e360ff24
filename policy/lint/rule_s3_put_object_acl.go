package lint

import "github.com/rolecall/rolecall/policy"

// New buckets have no ACLs: an upload that asks for one is refused there, and
// elsewhere PutObjectAcl can make objects public.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
var s3PutObjectACL = rule{
	code: "s3-put-object-acl", severity: Warning,
	title: "s3:PutObjectAcl is allowed",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		if p.optional("s3:"+string(policy.PutObjectACL)) || p.kit() != nil && p.kit().Connection.ACL != "" {
			return
		}
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				known := exact(a.Text)
				if known == nil || !aclActions[known.name] {
					continue
				}
				f := found{
					at: a, message: known.name + " is of no use where the bucket owner is enforced, as in every new bucket, and can make objects public elsewhere",
					hint: "remove it, and set no acl in the connection",
				}
				if p.kit() != nil && p.withinConnection(s) && s.canLoseActions(a) { // else a connection may ask for an acl
					f.fix = func() { s.removeActions(a) }
				}
				p.report(f)
			}
		}
	},
}

var aclActions = map[string]bool{"s3:PutObjectAcl": true, "s3:PutObjectVersionAcl": true}
