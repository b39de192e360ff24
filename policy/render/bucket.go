package render

const enforced = "BucketOwnerEnforced"

// ownership is what a new bucket has: lists of access are off, as AWS
// recommends, unless the connection delivers with one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func (p *plan) ownership() string {
	if acl := p.Request.Connection.ACL; acl != "" && acl != "bucket-owner-full-control" {
		return "BucketOwnerPreferred"
	}
	return enforced
}

// rootStatement keeps a key's account in charge of it.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (p *plan) rootStatement() commented {
	return commented{"the account's own policies decide who administers the key", object{
		{name: "Sid", value: "Administration"},
		{name: "Effect", value: "Allow"},
		{name: "Principal", value: object{{name: "AWS", value: "arn:" + p.role.Partition + ":iam::" + p.keyOwner + ":root"}}},
		{name: "Action", value: "kms:*"},
		{name: "Resource", value: "*"},
	}}
}
