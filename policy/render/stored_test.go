package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const storing = `
accounts:
  "111122223333":
    users: {admin: {access_key_id: AKIAADMIN, secret_access_key: s, policies: &may [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}, boss: {}}
    roles:
      media: {trust: &nobody {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}}
      other: {trust: *nobody}
  "222233334444":
    users: {admin: {access_key_id: AKIAOWNER, secret_access_key: s, policies: *may}}
    buckets: {acme: {region: eu-central-1}}
    keys: {k: {region: eu-central-1, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "222233334444"}, Action: "kms:*", Resource: "*"}]}}}
  "873682911326": {roles: {Worker: {trust: *nobody}}}
  "999988887777": {roles: {v2: {trust: *nobody}}}
`

// drawForeign writes a statement of somebody's, as policies of the kind have them.
func drawForeign(t *rapid.T, kind policy.Kind, n int) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	out := one("sid", fmt.Sprintf(`{"Sid":"S%d",`, n), "{") + `"Effect":"` + one("effect", "Allow", "Allow", "Deny") + `"`
	if kind.Layer() == policy.ResourcePolicy {
		out += `,"Principal":` + one("principal", `"*"`, `{"AWS":"111122223333"}`, `{"AWS":"arn:aws:iam::111122223333:root"}`, `{"AWS":["arn:aws:iam::111122223333:role/media","arn:aws:iam::999988887777:role/v2"]}`,
			`{"AWS":"arn:aws:iam::873682911326:role/Worker"}`, `{"AWS":["arn:aws:iam::999988887777:role/v2"],"Service":"cloudtrail.amazonaws.com"}`, `{"Service":["logging.s3.amazonaws.com"]}`)
	}
	conditions := []string{
		"", "", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, `{"StringEquals":{"aws:PrincipalTag/team":["a","b"]}}`, `{"Bool":{"aws:SecureTransport":"false"}}`,
		`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/media"}}`, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/media"},"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}`,
	}
	switch kind {
	case policy.TrustDocument:
		out += `,"Action":` + one("action", `"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession"]`, `"sts:*"`)
		conditions = append(conditions, `{"StringEquals":{"sts:ExternalId":"acme-42"}}`, `{"StringEquals":{"sts:ExternalId":"theirs"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, `{"StringLike":{"sts:RoleSessionName":"acme*"}}`)
	case policy.KeyDocument:
		out += `,"Resource":"*","Action":` + one("action", `"kms:*"`, `["kms:Decrypt"]`, `["kms:DescribeKey","kms:Decrypt"]`)
		conditions = append(conditions, `{"StringEquals":{"kms:ViaService":"ec2.eu-central-1.amazonaws.com"}}`)
	default:
		out += `,"Action":` + one("action", `"s3:*"`, `["s3:GetObject"]`, `["s3:GetObject","s3:PutObject"]`, `"s3:Get*"`, `"s3:ListBucket"`, `["s3:List*","s3:Get*"]`) +
			`,"Resource":` + one("resource", `["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]`, `"arn:aws:s3:::acme/in/*"`, `"arn:aws:s3:::acme/*"`, `"arn:aws:s3:::acme"`)
		conditions = append(conditions, `{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`, `{"StringLike":{"s3:prefix":"pub/*"}}`, `{"StringEquals":{"s3:ExistingObjectTag/share":"yes"}}`, `{"NumericGreaterThanEquals":{"s3:TlsVersion":"1.2"}}`)
	}
	if c := one("condition", conditions...); c != "" {
		out += `,"Condition":` + c
	}
	return out + "}"
}

// TestMergesAreStored runs the program that is printed on policies that speak of
// others: AWS stores what comes out, wherever what was there is; each statement of
// others is as it was; and nobody else may do more or less.
func TestMergesAreStored(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Start(t, storing)
	owner, roleOwner := aws.Credentials{AccessKeyID: "AKIAOWNER", SecretAccessKey: "s"}, aws.Credentials{AccessKeyID: "AKIAADMIN", SecretAccessKey: "s"}
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom(mergedKinds).Draw(rt, "kind")
		put := func(s *sandbox.Server, document string) error {
			switch kind {
			case policy.BucketDocument:
				return sandboxtest.StorePolicy(t, s, owner, "PutBucketPolicy", "acme", document)
			case policy.KeyDocument:
				return sandboxtest.StorePolicy(t, s, owner, "PutKeyPolicy", "k", document)
			case policy.TrustDocument:
				return sandboxtest.StorePolicy(t, s, roleOwner, "UpdateAssumeRolePolicy", "media", document)
			default:
				return sandboxtest.StorePolicy(t, s, roleOwner, "PutRolePolicy", "media", document)
			}
		}
		store := func(document string) error {
			err := put(server, document)
			if err != nil && strings.Contains(err.Error(), "AccessDenied") { // by what was stored before
				server = sandboxtest.Start(t, storing)
				err = put(server, document)
			}
			return err
		}
		statements := []string{}
		if kind == policy.KeyDocument {
			statements = append(statements, `{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:root"},"Action":"kms:*","Resource":"*"}`)
		}
		for n := range 2 {
			statements = append(statements, drawForeign(rt, kind, n))
		}
		there := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		if store(there) != nil {
			return // nobody has it
		}
		if err := os.WriteFile(filepath.Join(dir, "rolecall-bucket-there.json"), []byte(there), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", render.BucketPolicy("acme", "", "").Merge(kitOf(t, kind, ourWorker, mergedRole, "in", "in/"), nil)[1])
		cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		merged, err := os.ReadFile(filepath.Join(dir, "rolecall-bucket-merged.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := store(string(merged)); err != nil {
			rt.Fatalf("%v\n%s\n%s", err, there, merged)
		}
		var before []map[string]any
		if err := json.Unmarshal([]byte("["+strings.Join(statements, ",")+"]"), &before); err != nil {
			t.Fatal(err)
		}
		after := statementsIn(t, merged)
		if diff := cmp.Diff(before, after[:min(len(before), len(after))]); diff != "" {
			rt.Fatalf("%s\n%s\n%s", diff, there, merged)
		}
		was, is := parseDocument(t, there), parseDocument(t, string(merged))
		everything := parseDocument(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		decide := func(in policy.Request, d *policy.Document) policy.Decision {
			p := policy.Policies{Identity: []*policy.Document{everything}, Resource: d}
			if kind == policy.PermissionsDocument {
				p = policy.Policies{Identity: []*policy.Document{d}}
			}
			return policy.Evaluate(in, p).Decision
		}
		asked := map[policy.Kind][][2]string{
			policy.TrustDocument: {{"sts:AssumeRole", mergedRole}, {"sts:TagSession", mergedRole}}, policy.KeyDocument: {{"kms:Decrypt", "arn:aws:kms:eu-central-1:222233334444:key/k"}, {"kms:CreateGrant", "arn:aws:kms:eu-central-1:222233334444:key/k"}},
		}[kind]
		if asked == nil {
			asked = [][2]string{{"s3:GetObject", "arn:aws:s3:::acme/in/a"}, {"s3:GetObject", "arn:aws:s3:::acme/out/a"}, {"s3:PutObject", "arn:aws:s3:::acme/in/a"}, {"s3:ListBucket", "arn:aws:s3:::acme"}}
		}
		for _, who := range []string{"arn:aws:iam::999988887777:role/v2", "arn:aws:iam::111122223333:role/other", "arn:aws:iam::111122223333:user/boss", "arn:aws:iam::444455556666:role/stranger", "cloudtrail.amazonaws.com"} {
			for _, id := range []string{"acme-42", "theirs"} {
				for _, ask := range asked {
					in := policy.Request{Principal: who, Action: ask[0], Resource: ask[1], Account: "222233334444", Context: map[string][]string{"sts:ExternalId": {id}, "s3:prefix": {"in/"}, "aws:SourceIp": {"203.0.113.7"}}}
					if kind == policy.TrustDocument {
						in.Account = "111122223333"
					}
					if b, a := decide(in, was), decide(in, is); b != a && kind != policy.PermissionsDocument {
						rt.Fatalf("%+v was %s, is %s:\n%s\n%s", in, b, a, there, merged)
					}
				}
			}
		}
	})
}

func parseDocument(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}
