package lint

import "github.com/rolecall/rolecall/policy"

// S3 encrypts an upload with a data key, which it asks KMS to generate.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
var kmsDataKey = rule{
	code: "kms-data-key", severity: Error,
	title: "uploads to an encrypted bucket are denied: kms:GenerateDataKey is missing",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		p.missingOfKey("kms:GenerateDataKey", []string{"s3:PutObject"}, "kms:GenerateDataKey is missing: S3 needs it for every upload under the key")
	},
}

// missingOfKey reports the action if objects are worked on, the key is used,
// and the action is allowed nowhere.
func (p *pass) missingOfKey(name string, work []string, message string) {
	worked := false
	for _, w := range work {
		worked = worked || p.granted(w)
	}
	if !worked || p.granted(name) {
		return
	}
	for _, s := range p.allows() {
		for _, a := range s.actions() {
			known := exact(a.Text)
			if known == nil || !keyUse[known.name] {
				continue
			}
			p.report(found{
				at: a, message: message, hint: "allow kms:GenerateDataKey on the same key", widens: true,
				fix: func() { s.Set("Action", s.Get("Action").Add(name)) },
			})
			return
		}
	}
}

// keyUse are the actions that show that objects are under the key.
var keyUse = map[string]bool{"kms:Decrypt": true, "kms:Encrypt": true, "kms:GenerateDataKey": true, "kms:ReEncryptFrom": true, "kms:ReEncryptTo": true}
