package check_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// Across accounts S3 does not say that an ACL is missing: it is proposed with
// what else may be at fault, and what that needs.
func TestACLIsProposedAcrossAccounts(t *testing.T) {
	t.Parallel()
	s := newSetting(t, otherAccount, "")
	s.bucket.Policy = with(t, s.bucket.Policy, `{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}`)
	report, _ := s.check(t)
	f := step(report, rolecall.StepWrite)
	patches := f.Patches
	if f.Patch != nil {
		patches = append(patches, *f.Patch)
	}
	for _, p := range patches {
		if p.Document == "connection" && strings.Contains(string(p.Connection), `"acl":"bucket-owner-full-control"`) && strings.Contains(f.Hint, "declare acl") &&
			strings.Count(strings.Join(p.Commands, " "), "s3:PutObjectAcl") >= 2 && p.Commands[0] == "# in the account 111122223333, which has the role:" &&
			slices.Contains(p.Commands, "# in the account "+otherAccount+", which has the bucket:") {
			return
		}
	}
	dump(t, report)
	t.Errorf("%+v", f)
}

// What the connection can send is proposed before a change of the bucket's
// policy, with what the role needs for it; whether or not the policy is given.
func TestWhatCanBeSentComesFirst(t *testing.T) {
	t.Parallel()
	const key, acl = "arn:aws:kms:eu-central-1:111122223333:key/media", `{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`
	deny := func(condition string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":` + condition + `}`
	}
	for _, c := range []struct {
		name, condition string
		given           bool
		want            func(c *rolecall.Connection)
		grants          string
	}{
		{"key", `{"StringNotEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"` + key + `"}}`, false, func(c *rolecall.Connection) {
			c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: key}
		}, "kms:GenerateDataKey"},
		{"acl and encryption", acl + `},` + deny(`{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}`), false, func(c *rolecall.Connection) {
			c.ACL, c.Encryption = "bucket-owner-full-control", &rolecall.Encryption{Type: "AES256"}
		}, "s3:PutObjectAcl"},
		{"acl and encryption, given", acl + `},` + deny(`{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}`), true, func(c *rolecall.Connection) {
			c.ACL, c.Encryption = "bucket-owner-full-control", &rolecall.Encryption{Type: "AES256"}
		}, "s3:PutObjectAcl"},
		{"class and encryption", `{"StringNotEquals":{"s3:x-amz-storage-class":"STANDARD_IA"}}},` + deny(`{"Null":{"s3:x-amz-server-side-encryption":"true"}`), false, func(c *rolecall.Connection) {
			c.StorageClass, c.Encryption = "STANDARD_IA", &rolecall.Encryption{Type: "AES256"}
		}, ""},
		{"acl, class and key", acl + `},` + deny(`{"StringNotEquals":{"s3:x-amz-storage-class":"GLACIER_IR"}}`) + `,` + deny(`{"StringNotEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"`+key+`"}`), false, func(c *rolecall.Connection) {
			c.ACL, c.StorageClass, c.Encryption = "bucket-owner-full-control", "GLACIER_IR", &rolecall.Encryption{Type: "aws:kms", Key: key}
		}, "s3:PutObjectAcl"},
		{"key, given", `{"StringNotEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"` + key + `"}}`, true, func(c *rolecall.Connection) {
			c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: key}
		}, "kms:GenerateDataKey"},
		{"acl", `{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`, false, func(c *rolecall.Connection) { c.ACL = "bucket-owner-full-control" }, "s3:PutObjectAcl"},
		{"acl, given", `{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`, true, func(c *rolecall.Connection) { c.ACL = "bucket-owner-full-control" }, "s3:PutObjectAcl"},
		{"class", `{"StringNotEquals":{"s3:x-amz-storage-class":"INTELLIGENT_TIERING"}}`, false, func(c *rolecall.Connection) { c.StorageClass = "INTELLIGENT_TIERING" }, ""},
		{"class, given", `{"StringNotEquals":{"s3:x-amz-storage-class":["ONEZONE_IA"]}}`, true, func(c *rolecall.Connection) { c.StorageClass = "ONEZONE_IA" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t, roleAccount, "")
			s.connection.Encryption = nil
			s.bucket.Policy = with(t, nil, theirBucket, `{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":`+c.condition+`}`)
			if c.given {
				s.policies = []correct.Given{{Kind: policy.BucketDocument, File: "bucket.json", Document: s.bucket.Policy}}
			}
			report, _ := s.check(t)
			f := step(report, rolecall.StepWrite)
			want := s.connection
			c.want(&want)
			if f.Patch == nil || f.Patch.Document != "connection" || f.Result != rolecall.CheckFail {
				dump(t, report)
				t.Fatalf("%+v", f)
			}
			if text, err := json.Marshal(want); err != nil || string(text) != string(f.Patch.Connection) {
				t.Errorf("declares %s, want %s: %v", f.Patch.Connection, text, err)
			}
			if commands := strings.Join(f.Patch.Commands, " "); !strings.Contains(commands, c.grants) || (c.grants == "") != (commands == "") || (commands == "") == strings.Contains(f.Hint, "run the patch's commands") {
				t.Errorf("grants %s: %s: %.300s", c.grants, f.Hint, commands)
			}
			s.connection = want
			report, _ = s.check(t)
			if f := step(report, rolecall.StepWrite); c.grants == "" && f.Result != rolecall.CheckPass {
				t.Errorf("declared: %+v", f)
			}
		})
	}
}
