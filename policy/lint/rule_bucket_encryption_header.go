package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// The bucket's default encryption sets no header, so a Deny of uploads without
// the header denies those that rely on the default.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
var bucketEncryptionHeader = rule{
	code: "bucket-encryption-header", severity: Note,
	title: "uploads must name their encryption, the bucket's default does not count",
	kinds: []policy.Kind{policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			if !s.deny || s.grants("s3:PutObject") == nil {
				continue
			}
			for _, c := range s.on("s3:x-amz-server-side-encryption") {
				if !c.holdsWithout() || strings.HasSuffix(c.operator, "IfExists") {
					continue
				}
				want := strings.Join(c.values.Strings(), " or ")
				f := atKey(c, "is not there in an upload that relies on the bucket's default, so that is denied")
				f.hint = "have jobs say their encryption, or use the operator with IfExists"
				if p.kit() != nil {
					e := p.kit().Connection.Encryption
					if e != nil && (e.Type == want || c.base() == "Null") {
						continue
					}
					f.severity = Warning
					f.hint = "give the connection the encryption " + want
				}
				p.report(f)
			}
		}
	},
}
