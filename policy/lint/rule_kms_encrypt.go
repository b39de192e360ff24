package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// S3 never asks KMS to encrypt: it generates a data key and encrypts itself.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
var kmsEncrypt = rule{
	code: "kms-encrypt", severity: Warning,
	title: "kms:Encrypt is allowed, which S3 never asks for",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		if !p.granted("s3:GetObject") && !p.granted("s3:PutObject") {
			return // not about objects
		}
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				if lower := strings.ToLower(a.Text); lower != "kms:encrypt" && !strings.HasPrefix(lower, "kms:reencrypt") {
					continue
				}
				f := found{at: a, message: quote(a.Text) + " is never asked for by S3", hint: "remove it; S3 asks for kms:Decrypt and, for uploads, kms:GenerateDataKey"}
				if s.canLoseActions(a) {
					f.fix = func() { s.removeActions(a) }
				}
				p.report(f)
			}
		}
	},
}
