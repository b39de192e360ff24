package lint

import (
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// The bucket's default encryption sets no header, so a Deny of uploads without
// the header denies those that rely on the default. So do the negated operators,
// with and without IfExists; only Null lets them through.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists
var bucketEncryptionHeader = rule{
	code: "bucket-encryption-header", severity: Note,
	title: "uploads must name their encryption, the bucket's default does not count",
	kinds: []policy.Kind{policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			headers := s.on(encryptionHeader, keyHeader)
			if !s.deny || s.grants("s3:PutObject") == nil || len(headers) == 0 || slices.ContainsFunc(headers, func(c condition) bool { return !c.holdsWithout() }) {
				continue
			}
			f := atKey(headers[0], "is not there in an upload that relies on the bucket's default, so that is denied")
			f.hint = `add "Null": {"` + headers[0].key + `": "false"} to allow the bucket's default; or have jobs send their encryption`
			if headers[0].base() == "Null" {
				f.hint = "remove the statement to allow the bucket's default; or have jobs send their encryption"
			}
			if p.kit() != nil && p.kit().Connection.Purpose == rolecall.Delivery {
				send, denied := p.sendable()
				if !denied || send == "" {
					continue
				}
				f.severity = Error
				f.hint, f.by = send, operator
			}
			p.report(f)
		}
	},
}

const (
	encryptionHeader = "s3:x-amz-server-side-encryption"
	keyHeader        = "s3:x-amz-server-side-encryption-aws-kms-key-id"
)
