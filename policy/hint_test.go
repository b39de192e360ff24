package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/policy"
)

// TestHints does what each hint about documents and requests says: then the fault
// is gone.
func TestHints(t *testing.T) {
	t.Parallel()
	const asked = `{"principal":"arn:aws:iam::111122223333:user/bob","action":"s3:GetObject","resource":"arn:aws:s3:::bucket/key","account":"111122223333","context":{"aws:TagKeys":["a"]},
		"identity":[{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::bucket/*"],"Condition":{"StringEquals":{"aws:username":"bob"}}},{"Effect":"Deny","NotAction":["s3:*"],"Resource":"*"}]}],
		"resource_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"s3:*","Resource":"*"}]},
		"session":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]},
		"scp":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}],
		"rcp":[{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}]}]}`
	const bob, bucket = `"AWS":"arn:aws:iam::111122223333:user/bob"`, `"Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`
	const rcp = `{"Effect":"Deny","Principal":"*","Action":"sqs:*"`
	to := func(right, wrong, followed string) hinttest.Change {
		return hinttest.Change{Right: right, Wrong: wrong, Followed: followed}
	}
	long := strings.Repeat("a", 2050)
	done := hinttest.Follow(t, asked, []hinttest.Change{
		to(`"bob"}`, `{}}`, `["a","b"]}`), to(`"2012-10-17"`, `"2012-10-18"`, ""), to(`"Effect":"Allow"`, `"Effect":"Allows"`, ""), to(`"Effect":"Allow",`, ``, ""),
		to(bucket+`,`, ``, ""), to(`"scp":[{"Version":"2012-10-17",`, `"scp":[{`, ""),
		to(`"Effect":"Allow","Action":"s3:GetObject"`, `"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`, ""),
		to(`"Sid":"Read"`, `"Sid":"Read it"`, ""), to(`{"Effect":"Deny","NotAction"`, `{"Sid":"Read","Effect":"Deny","NotAction"`, ""),
		to(`,"Resource":["arn:aws:s3:::bucket/*"]`, ``, `,"Resource":"*"`),
		to(`"session":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"`, `"session":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"`, `"session":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"`),
		to(rcp, `{"Effect":"Allow","Principal":"*","Action":"sqs:*"`, `{"Effect":"Deny","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a"}},"Principal":"*","Action":"sqs:*"`),
		to(rcp, `{"Effect":"Deny","NotPrincipal":{`+bob+`},"Action":"sqs:*"`, `{"Effect":"Deny","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/bob"}},"Principal":"*","Action":"sqs:*"`),
		to(rcp, `{"Effect":"Deny",`+bucket+`,"Action":"sqs:*"`, `{"Effect":"Deny","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/bob"}},"Principal":"*","Action":"sqs:*"`),
		to(rcp, `{"Effect":"Deny","Principal":"*","NotAction":"sqs:*"`, ""), to(rcp, `{"Effect":"Deny","Principal":"*","Action":"*"`, `{"Effect":"Deny","Principal":"*","Action":["s3:*","sts:*","kms:*"]`),
		to(`"principal":"arn:aws:iam::111122223333:user/bob",`, ``, `"principal":"*",`), to(`arn:aws:iam::111122223333:user/bob`, long, ""), to(`user/bob","action"`, `user/*","action"`, ""), to(`arn:aws:iam::111122223333:user/bob","action"`, `bob","action"`, `ec2.amazonaws.com","action"`),
		to(`"resource":"arn:aws:s3:::bucket/key",`, ``, `"resource":"*",`), to(`"resource":"arn:aws:s3:::bucket/key"`, `"resource":"`+long+`"`, ""), to(`"resource":"arn:aws:s3:::bucket/key"`, `"resource":"bucket/key"`, ""),
		to(`"StringEquals"`, `"ForAll:StringEquals"`, `"ForAllValues:StringEquals"`), to(`"StringEquals":{"aws:username":"bob"}`, `"NullIfExists":{"aws:username":"true"}`, `"Null":{"aws:username":"true"}`),
		to(`"StringEquals"`, `"StringEqual"`, ""), to(`"StringEquals"`, `"Equality"`, ""),
		to(bucket, `"Principal":"bob"`, ""), to(bucket, `"Principal":{}`, ""), to(bob, `"Service":"s3"`, `"Service":"s3.amazonaws.com"`),
		to(bob, `"Federated":"*"`, `"Federated":"accounts.google.com"`), to(bob, `"CanonicalUser":"79a5"`, `"CanonicalUser":"`+strings.Repeat("0a", 32)+`"`),
		to(bucket, `"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}`, `"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/*"}},"Principal":{"AWS":"*"}`),
		to(bob, `"AWS":"bob"`, ""), to(bob, `"AWS":[]`, ""), to(`"account":"111122223333"`, `"account":"1111"`, ""), to(`"action":"s3:GetObject"`, `"action":"GetObject"`, ""),
		to(`{"aws:TagKeys":["a"]}`, `{"aws:TagKeys":["a"],"AWS:TagKeys":["a"]}`, ""), to(`{"aws:TagKeys":["a"]}`, `{"aws:TagKeys":["a"],"aws:TagKeys":["a"]}`, ""),
		to(`"NotAction":["s3:*"]`, `"NotAction":["s3:*"],"Action":"s3:*"`, ""), to(`"NotAction":["s3:*"],`, ``, ""), to(`["s3:*"]`, `[]`, ""), to(`"s3:GetObject","Resource":["arn`, `"GetObject","Resource":["arn`, ""),
		to(`"arn:aws:s3:::bucket/*"`, `"bucket/*"`, ""), to(`"arn:aws:s3:::bucket/*"`, `"arn:aws:iam::*:us*/x"`, `"arn:aws:iam::*:user/x"`), to(`{"Effect":"Allow",`+bucket, `{"Effect":"Allow","NotPrincipal":{`+bob+`}`, ""),
		to(`"scp":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}]`, `"scp":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, ""), to(`"identity"`, `"identitty"`, ""), to(`"account"`, `"owner"`, ""),
	}, func(document string) []string {
		_, _, err := policy.ReadRequest([]byte(document))
		return hintsOf(err)
	})
	const trust = `{"principal":"arn:aws:iam::111122223333:user/bob","action":"sts:AssumeRole","resource":"arn:aws:iam::111122223333:role/r",
		"resource_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/bob"}}}]}}`
	done = append(done, hinttest.Follow(t, trust, []hinttest.Change{
		to(`"Principal":"*","Action":"sts:AssumeRole","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/bob"}}`, `"NotPrincipal":{`+bob+`},"Action":"sts:AssumeRole"`, ""),
		to(`"Action":"sts:AssumeRole","Cond`, `"Resource":"*","Action":"sts:AssumeRole","Cond`, ""),
		to(`"Principal":"*"`, `"Principal":{"CanonicalUser":"`+strings.Repeat("0a", 32)+`"}`, `"Principal":{"AWS":"111122223333"}`),
	}, func(document string) []string {
		_, _, err := policy.ReadRequest([]byte(document))
		return hintsOf(err)
	})...)
	hinttest.Followed(t, ".", append(done, followKits(t)...), []string{
		"You: shorten it; AWS stores none above 32 KiB", "You: write the statements as a list", // of texts that are larger than any policy
		"You: write one request on each line, as a JSON object, and leave no line blank", "You: give fewer or shorter patterns and values; AWS allows far less",
		"You: name fewer principals or external ids, or have AWS raise the quota \"Role trust policy length\"", "You: let workers assume any role outside the vendor's accounts, or divide the roles among workers",
		"You: shorten the prefix, or ask for less in one connection", "You: name fewer objects in one task, or give a shorter prefix",
	})
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}

// followKits follows the hints about kits and sessions.
func followKits(t *testing.T) []string {
	t.Helper()
	right := func() policy.KitRequest {
		return policy.KitRequest{
			Connection: rolecall.Connection{Purpose: rolecall.Delivery, Bucket: "bucket", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/media"},
			Principals: []string{"arn:aws:iam::873682911326:role/Worker"}, ExternalIDs: []string{"x-42"},
		}
	}
	kms := func(key string) *rolecall.Encryption { return &rolecall.Encryption{Type: "aws:kms", Key: key} }
	var done []string
	for i, c := range []struct{ wrong, follow func(*policy.KitRequest) }{
		{func(r *policy.KitRequest) { r.Connection.RoleARN, r.Connection.Secret = "", "keys" }, func(r *policy.KitRequest) { r.Connection.RoleARN, r.Connection.Secret = right().Connection.RoleARN, "" }},
		{func(r *policy.KitRequest) { r.SessionActions = []string{"sts:X"} }, func(r *policy.KitRequest) { r.SessionActions = []string{"sts:TagSession", "sts:SetSourceIdentity"} }},
		{func(r *policy.KitRequest) { r.RequireEncryption = true }, func(r *policy.KitRequest) { r.Connection.Encryption = &rolecall.Encryption{Type: "AES256"} }},
		{func(r *policy.KitRequest) {
			r.Connection.Purpose, r.RequireEncryption, r.Connection.Encryption = rolecall.Source, true, &rolecall.Encryption{Type: "AES256"}
		}, func(r *policy.KitRequest) { r.RequireEncryption = false }},
		{func(r *policy.KitRequest) { r.Connection.Region = "cn-north-1" }, func(r *policy.KitRequest) { r.Connection.Region = "eu-west-1" }},
		{func(r *policy.KitRequest) {
			r.Connection.Encryption = kms("arn:aws:kms:eu-central-1:111122223333:key/*")
		}, func(r *policy.KitRequest) {
			r.Connection.Encryption = kms("arn:aws:kms:eu-central-1:111122223333:key/ID")
		}},
		{func(r *policy.KitRequest) {
			r.Connection.Encryption = kms("arn:aws-cn:kms:cn-north-1:111122223333:key/k")
		}, func(r *policy.KitRequest) {
			r.Connection.Encryption = kms("arn:aws:kms:eu-central-1:111122223333:key/k")
		}},
		{func(r *policy.KitRequest) { r.Connection.Encryption = kms("arn:aws:kms:eu-west-1:111122223333:key/k") }, func(r *policy.KitRequest) {
			r.Connection.Encryption = kms("arn:aws:kms:eu-central-1:111122223333:key/k")
		}},
		{func(r *policy.KitRequest) { r.Form = "x" }, func(r *policy.KitRequest) { r.Form = policy.ByAccount }},
		{func(r *policy.KitRequest) { r.Principals = nil }, func(r *policy.KitRequest) { r.Principals = right().Principals }},
		{func(r *policy.KitRequest) { r.Principals = []string{"arn:aws-cn:iam::873682911326:role/Worker"} }, func(r *policy.KitRequest) { r.Principals = right().Principals }},
		{func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:role/a*/Worker"} }, func(r *policy.KitRequest) { r.Form = policy.ByAccount }},
		{func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:user/a b"} }, func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:user/name"} }},
		{func(r *policy.KitRequest) { r.ExternalIDs = nil }, func(r *policy.KitRequest) { r.ExternalIDs = []string{"x-43"} }},
		{func(r *policy.KitRequest) { r.VendorAccounts = []string{"8736"} }, func(r *policy.KitRequest) { r.VendorAccounts = []string{"873682911326"} }},
		{func(r *policy.KitRequest) { r.Connection.RoleARN = "arn:aws:iam::873682911326:role/media" }, func(r *policy.KitRequest) { r.Connection.RoleARN = right().Connection.RoleARN }},
		{func(r *policy.KitRequest) { r.WorkerRoles = []string{"arn:aws:iam::444455556666:role/x"} }, func(r *policy.KitRequest) { r.Worker = policy.ListedRoles }},
		{func(r *policy.KitRequest) { r.WorkerRoles = []string{"arn:aws:iam::444455556666:role/x"} }, func(r *policy.KitRequest) { r.WorkerRoles = nil }},
		{func(r *policy.KitRequest) { r.Worker = "x" }, func(r *policy.KitRequest) { r.Worker = policy.AnyRole }},
		{func(r *policy.KitRequest) { r.Optional = []policy.Grant{"X"} }, func(r *policy.KitRequest) { r.Optional = []policy.Grant{policy.PutObjectTagging} }},
		{func(r *policy.KitRequest) {
			r.Connection.Purpose, r.Optional = rolecall.Source, []policy.Grant{policy.PutObjectTagging}
		}, func(r *policy.KitRequest) { r.Optional = nil }},
	} {
		r := right()
		c.wrong(&r)
		_, err := policy.Generate(r)
		hints := hintsOf(err)
		if len(hints) == 0 {
			t.Errorf("%d: nothing is wrong", i)
		}
		done = append(done, hints...)
		c.follow(&r)
		if _, err := policy.Generate(r); err != nil {
			t.Errorf("%d, by %q: %v", i, hints, err)
		}
	}
	scope := policy.Scope{Partition: "aws", Region: "eu-central-1", Bucket: "bucket", Operations: []policy.Operation{policy.Read}, Prefixes: []string{"in/"}}
	for i, c := range []struct{ wrong, follow func(*policy.Scope) }{
		{func(s *policy.Scope) { s.Operations = []policy.Operation{"x"} }, func(s *policy.Scope) {
			s.Operations = []policy.Operation{"read", "write", "tag", "acl", "read-version", "delete", "read-tags"}
		}},
		{func(s *policy.Scope) { s.Prefixes = []string{"in"} }, func(s *policy.Scope) { s.Prefixes = []string{"in/"} }},
		{func(s *policy.Scope) { s.KMSKey = "alias/x" }, func(s *policy.Scope) { s.KMSKey = "arn:aws:kms:eu-central-1:111122223333:key/k" }},
	} {
		s := scope
		c.wrong(&s)
		_, err := policy.Session(s)
		done = append(done, hintsOf(err)...)
		c.follow(&s)
		if _, err := policy.Session(s); err != nil {
			t.Error(fmt.Sprint(i), err)
		}
	}
	return done
}
