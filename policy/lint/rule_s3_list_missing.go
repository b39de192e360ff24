package lint

// Without ListBucket S3 does not tell a missing object from a forbidden one,
// and no pattern of names can be resolved.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var s3ListMissing = rule{
	code: "s3-list-missing", severity: Warning,
	title: "objects can be read or written, and not listed",
	kinds: []Kind{Permissions},
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
			var buckets *node
			for _, r := range s.resources() {
				if t := targetOf(r.text); t.object && !t.other {
					buckets = buckets.add(bucketOf(r.text))
				}
			}
			f := found{
				at: a, message: "s3:ListBucket is missing: a missing object looks like a forbidden one, and names with * cannot be resolved",
				hint: "allow s3:ListBucket on the bucket, limited by s3:prefix",
			}
			if buckets != nil {
				f.widens = true
				f.fix = func() { s.after(p.listing(buckets)) }
			}
			p.report(f)
			return
		}
	},
}

// listing makes the statement that allows to list buckets, below the prefix if
// it is known.
func (p *pass) listing(buckets *node) *node {
	if len(buckets.items) == 1 {
		buckets = buckets.items[0]
	}
	n := object("Effect", "Allow", "Action", "s3:ListBucket", "Resource", buckets)
	if home, _ := p.home(); home != "" && buckets.text == home && p.kit().Connection.Prefix != "" {
		n.set("Condition", object("StringLike", object("s3:prefix", literal(p.kit().Connection.Prefix)+"*")))
	}
	return n
}
