package lint

import "github.com/rolecall/rolecall/policy"

// S3 decrypts the data key for every read, and for the parts of an upload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
var kmsDecrypt = rule{
	code: "kms-decrypt", severity: Error,
	title: "reads and uploads in parts are denied: kms:Decrypt is missing",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		p.missingOfKey("kms:Decrypt", []string{"s3:GetObject", "s3:PutObject"}, "kms:Decrypt is missing: S3 needs it for every read under the key, and for uploads in parts")
	},
}
