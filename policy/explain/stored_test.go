package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const storing = `
accounts:
  "111122223333":
    users: {admin: {access_key_id: AKIAADMIN, secret_access_key: s, policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}, boss: {}}
    roles:
      media: {trust: &nobody {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}}
      other: {trust: *nobody}
    buckets: {acme: {region: eu-central-1}}
    keys: {key1: {region: eu-central-1, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111122223333"}, Action: "kms:*", Resource: "*"}]}}}
  "873682911326": {roles: {Worker: {trust: *nobody}}}
  "999988887777": {roles: {v2: {trust: *nobody}}}
`

// drawTheirs writes a statement of the customer's, as policies of the resource have
// them.
func drawTheirs(t *rapid.T, service string, n int) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	effect := one("effect", "Allow", "Allow", "Deny")
	principal := one("principal", `"*"`, `{"AWS":"*"}`, `{"AWS":"111122223333"}`, `{"AWS":"arn:aws:iam::873682911326:role/Worker"}`, `{"AWS":["arn:aws:iam::111122223333:role/media","arn:aws:iam::999988887777:role/v2"]}`,
		`{"AWS":["873682911326","arn:aws:iam::111122223333:user/boss"]}`, `{"Service":"cloudtrail.amazonaws.com"}`, `{"AWS":"arn:aws:iam::111122223333:role/other","Service":["logging.s3.amazonaws.com"]}`)
	element := "Principal"
	if effect == "Deny" && service != "sts" && rapid.IntRange(0, 4).Draw(t, "not") == 0 {
		element, principal = "NotPrincipal", `{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/boss"]}`
	}
	var action, resource string
	conditions := []string{
		"", "", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, `{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`,
		`{"Bool":{"aws:SecureTransport":"false"}}`, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/o*"}}`,
		`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/*"}}`, `{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24"]},"StringNotLike":{"aws:PrincipalTag/team":"m*"}}`,
		`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, `{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, `{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}`,
	}
	switch service {
	case "s3":
		action = one("action", `"Action":"s3:*"`, `"Action":["s3:GetObject"]`, `"Action":["s3:GetObject","s3:PutObject"]`, `"NotAction":"s3:GetObject"`, `"Action":"s3:Get*"`, `"Action":"s3:ListBucket"`)
		resource = one("resource", `,"Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]`, `,"Resource":"arn:aws:s3:::acme/in/*"`, `,"Resource":"arn:aws:s3:::acme/in/a"`, `,"NotResource":"arn:aws:s3:::acme/out/*"`, `,"Resource":"arn:aws:s3:::acme"`)
		conditions = append(conditions, `{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`, `{"StringLike":{"s3:prefix":"in/*"}}`, `{"StringNotEquals":{"s3:ExistingObjectTag/share":"yes"}}`)
	case "kms":
		action = one("action", `"Action":"kms:*"`, `"Action":["kms:Decrypt"]`, `"Action":["kms:DescribeKey","kms:Decrypt"]`, `"NotAction":"kms:Decrypt"`)
		resource = `,"Resource":"*"`
		conditions = append(conditions, `{"StringEquals":{"kms:ViaService":"s3.eu-central-1.amazonaws.com"}}`, `{"StringEquals":{"kms:CallerAccount":"111122223333"}}`)
	default:
		action = one("action", `"Action":"sts:AssumeRole"`, `"Action":["sts:AssumeRole","sts:TagSession"]`, `"Action":"sts:*"`)
		conditions = append(conditions, `{"StringEquals":{"sts:ExternalId":"acme-42"}}`, `{"StringNotEquals":{"sts:ExternalId":"acme-42"}}`, `{"StringLike":{"sts:RoleSessionName":"acme*"}}`)
	}
	out := fmt.Sprintf(`{"Sid":"S%d","Effect":"%s","%s":%s,%s%s`, n, effect, element, principal, action, resource)
	if c := one("condition", conditions...); c != "" {
		out += `,"Condition":` + c
	}
	return out + "}"
}

// The documents of the smallest change are stored by AWS's own calls, wherever what
// was there is, and let in nobody but who asked, unless they say so.
func TestSmallestIsStoredAndOpensToNobodyElse(t *testing.T) {
	t.Parallel()
	var server *sandbox.Server
	restart := func() { server = sandboxtest.Start(t, storing) }
	restart()
	admin := aws.Credentials{AccessKeyID: "AKIAADMIN", SecretAccessKey: "s"}
	call := map[string][2]string{"s3": {"PutBucketPolicy", "acme"}, "kms": {"PutKeyPolicy", "key1"}, "sts": {"UpdateAssumeRolePolicy", "media"}}
	store := func(service, document string) error {
		err := sandboxtest.StorePolicy(t, server, admin, call[service][0], call[service][1], document)
		if err != nil && strings.Contains(err.Error(), "AccessDenied") { // by what was stored before
			restart()
			err = sandboxtest.StorePolicy(t, server, admin, call[service][0], call[service][1], document)
		}
		return err
	}
	all := parse(t, document(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	callers := []string{
		"arn:aws:iam::873682911326:role/Worker", "arn:aws:sts::873682911326:assumed-role/Worker/s", "arn:aws:iam::111122223333:role/media", "arn:aws:iam::111122223333:user/boss",
		"arn:aws:iam::999988887777:role/v2", "cloudtrail.amazonaws.com",
	}
	changed := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		service := one("service", "s3", "s3", "kms", "sts")
		var statements []string
		if service == "kms" {
			statements = append(statements, `{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`)
		}
		for n := range rapid.IntRange(1, 3).Draw(rt, "statements") {
			statements = append(statements, drawTheirs(rt, service, n))
		}
		there := document(statements...)
		if store(service, there) != nil {
			return // nobody has it
		}
		before := parse(t, there)
		asks := func(principal, action, resource string, context map[string][]string) policy.Request {
			return policy.Request{Principal: principal, Action: action, Resource: resource, Account: "111122223333", Context: context}
		}
		actions := map[string][]string{"s3": {"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"}, "kms": {"kms:Decrypt", "kms:ScheduleKeyDeletion"}, "sts": {"sts:AssumeRole", "sts:TagSession"}}[service]
		resources := map[string][]string{"s3": {"arn:aws:s3:::acme/in/a", "arn:aws:s3:::acme/out/b"}, "kms": {"arn:aws:kms:eu-central-1:111122223333:key/key1"}, "sts": {"arn:aws:iam::111122223333:role/media"}}[service]
		context := map[string][]string{}
		for _, given := range [][2]string{
			{"aws:SourceIp", "198.51.100.7"},
			{"aws:PrincipalOrgID", "o-stranger12"},
			{"aws:MultiFactorAuthPresent", "false"},
			{"aws:SecureTransport", "true"},
			{"aws:PrincipalTag/team", "guests"},
			{"aws:SourceAccount", "999988887777"},
			{"aws:SourceVpce", "vpce-9"},
			{"sts:ExternalId", "evil"},
			{"s3:prefix", "out/"},
		} {
			if rapid.Bool().Draw(rt, given[0]) {
				context[given[0]] = []string{given[1]}
			}
		}
		action := rapid.SampledFrom(actions[:len(actions)-1]).Draw(rt, "asked")
		resource := rapid.SampledFrom(resources).Draw(rt, "on")
		if action == "s3:ListBucket" {
			resource = "arn:aws:s3:::acme"
		}
		in := asks(one("caller", callers...), action, resource, context)
		policies := policy.Policies{Identity: []*policy.Document{all}, Resource: before}
		if policy.Evaluate(in, policies).Decision == policy.Allowed {
			return
		}
		change, ok := explain.Smallest(in, policies)
		if !ok {
			return
		}
		said := ""
		var after *policy.Document
		for _, e := range change.Edits {
			if said += e.Text + "; "; e.Policy == policy.ResourcePolicy && e.Document != nil {
				after = e.Document
			}
		}
		if after == nil {
			return
		}
		changed[service]++
		text := strings.ReplaceAll(string(after.JSON()), "<external id>", "agreed-1")
		if err := store(service, text); err != nil {
			rt.Fatalf("%v\n%+v\n%s\n%s", err, in, there, text)
		}
		// Who did not ask is let in nowhere that he was not.
		for _, who := range append(callers, "arn:aws:iam::444455556666:role/stranger", "arn:aws:iam::111122223333:role/third", "logging.s3.amazonaws.com", "*") {
			if who == in.Principal || strings.Contains(who, ":assumed-role/Worker/") && in.Principal == callers[0] || who == callers[0] && in.Principal == callers[1] {
				continue
			}
			for _, a := range actions {
				for _, r := range resources {
					if a == "s3:ListBucket" {
						r = "arn:aws:s3:::acme"
					}
					for _, c := range []map[string][]string{context, {}, {"aws:SourceIp": {"192.0.2.1"}, "sts:ExternalId": {"evil"}, "aws:SourceAccount": {"999988887777"}, "aws:SecureTransport": {"true"}}} {
						ask := asks(who, a, r, c)
						was := policy.Evaluate(ask, policy.Policies{Identity: []*policy.Document{all}, Resource: before}).Decision
						is := policy.Evaluate(ask, policy.Policies{Identity: []*policy.Document{all}, Resource: parse(t, text)}).Decision
						if was != policy.Allowed && is == policy.Allowed && !strings.Contains(said, "opens whatever else") && !strings.Contains(said, "for everyone") {
							rt.Fatalf("%s of %s on %s (%v) is let in by %q for %+v:\n%s\n%s", a, who, r, c, said, in, there, text)
						}
					}
				}
			}
		}
	})
	if len(changed) == 0 {
		t.Error("nothing was changed")
	}
}
