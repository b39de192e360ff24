package correct

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/policy"
)

// drawDeny writes a Deny of somebody's that may bear on the connection.
func drawDeny(t *rapid.T, kind policy.Kind) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	out := `{"Sid":"Guard","Effect":"Deny",`
	if kind.Layer() == policy.ResourcePolicy {
		out += `"Principal":"*",`
	}
	actions := []string{
		`"Action":"s3:*"`, `"Action":"*"`, `"Action":["s3:Get*","s3:Put*"]`, `"Action":"s3:*Object*"`, `"Action":["s3:GetObject","s3:DeleteObject"]`, `"NotAction":["s3:DeleteObject"]`,
		`"Action":["s3:List*"]`, `"NotAction":["iam:*","s3:Put*"]`, `"Action":["S3:G*","S3:l*"]`,
	}
	resources := []string{`"Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]`, `"Resource":"arn:aws:s3:::acme/in/*"`, `"NotResource":"arn:aws:s3:::acme/out/*"`, `"Resource":"arn:aws:s3:::acme/*"`}
	switch kind {
	case policy.KeyDocument:
		actions, resources = []string{`"Action":"kms:*"`, `"Action":["kms:D*","kms:Generate*"]`, `"Action":"kms:Decrypt"`, `"NotAction":"kms:Put*"`}, []string{`"Resource":"*"`}
	case policy.BucketDocument:
	default:
		actions = append(actions, `"Action":["s3:*","kms:*"]`, `"Action":["kms:Decrypt","sts:*","s3:Get*"]`)
		resources = append(resources, `"Resource":"*"`, `"Resource":["arn:aws:s3:::acme*"]`, `"NotResource":"arn:aws:s3:::other/*"`, `"Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/in/a","arn:aws:s3:::other/*"]`)
	}
	return out + one("action", actions...) + "," + one("resource", resources...) + one("condition", "", `,"Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"media"}}`,
		`,"Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/other"}}`, `,"Condition":{"ArnEquals":{"aws:PrincipalArn":["`+us+`","arn:aws:iam::111122223333:role/other"]}}`,
		`,"Condition":{"StringNotLike":{"s3:prefix":"pub/*","aws:PrincipalTag/team":"media"}}`) + "}"
}

// Where a Deny is narrowed, no decision changes but on what the connection
// asks: whatever the action, the resource and who asks.
func TestNarrowingChangesNothingElse(t *testing.T) {
	t.Parallel()
	s := limitedSetup()
	kit, _ := s.NeededKit()
	key := s.KMSKey
	resources := map[string][]string{
		"s3":  {"arn:aws:s3:::acme", "arn:aws:s3:::acme/in/a", "arn:aws:s3:::acme/out/a", "arn:aws:s3:::acme/pub/a", "arn:aws:s3:::acme2/in/a", "arn:aws:s3:::other", "arn:aws:s3:::other/in/a", "*"},
		"kms": {key, strings.Replace(key, "1234abcd", "5678abcd", 1), "*"}, "sts": {us}, "iam": {us},
	}
	contexts := []map[string][]string{
		{},
		{"s3:prefix": {"in/"}},
		{"s3:prefix": {"out/"}},
		{"aws:PrincipalTag/team": {"media"}},
		{"kms:ViaService": {"s3.eu-central-1.amazonaws.com"}, "kms:EncryptionContext:aws:s3:arn": {"arn:aws:s3:::acme/in/a"}},
		{"kms:ViaService": {"s3.eu-central-1.amazonaws.com"}, "kms:EncryptionContext:aws:s3:arn": {"arn:aws:s3:::acme/out/a"}},
		{"kms:ViaService": {"ec2.eu-central-1.amazonaws.com"}},
	}
	bucketARN := regexp.MustCompile(`^arn:aws:s3:::acme(/|$)`)
	corrected := 0
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]policy.Kind{policy.PermissionsDocument, policy.BoundaryDocument, policy.BucketDocument, policy.KeyDocument, policy.SCPDocument}).Draw(t, "kind")
		allow := `{"Effect":"Allow","Action":["s3:*","kms:*","sts:*","iam:*"],"Resource":"*"}`
		if kind.Layer() == policy.ResourcePolicy {
			allow = strings.Replace(allow, `"Action"`, `"Principal":{"AWS":["`+us+`","arn:aws:iam::111122223333:role/other"]},"Action"`, 1)
		}
		d := parsed(t, `{"Version":"2012-10-17","Statement":[`+allow+`,`+drawDeny(t, kind)+`]}`)
		step := rolecall.StepRead
		if kind == policy.KeyDocument {
			step = rolecall.StepKey
		}
		j, ok := s.Judge(Question{Step: step, LayerKnown: true, Denial: policy.Denial{Explicit: true}}, kind, []Given{{Kind: kind, File: "theirs.json", Document: d}})
		if !ok || j.Corrected == nil {
			return
		}
		corrected++
		after := parsed(t, string(j.Corrected))
		ours := layer{kind: policy.PermissionsDocument, account: "111122223333"}.policies(kit.Permissions)
		was, is := layer{kind: kind, account: "111122223333"}.policies(d), layer{kind: kind, account: "111122223333"}.policies(after)
		context := rapid.SampledFrom(contexts).Draw(t, "context")
		role := rapid.SampledFrom([]string{"media", "media", "media", "other"}).Draw(t, "role")
		for _, a := range awsaction.Read().Actions {
			for _, resource := range resources[a.Service] {
				in := policy.Request{Principal: "arn:aws:sts::111122223333:assumed-role/" + role + "/x", Action: a.Service + ":" + a.Name, Resource: resource, Account: "444455556666", Context: context}
				of := map[bool]string{true: "object", false: "bucket"}[strings.Contains(resource, "/")]
				if a.Service == "kms" {
					of = "key"
				}
				if resource != "*" && (a.Service == "s3" || a.Service == "kms") && !slices.Contains(a.Resources, of) {
					continue // on which it is never asked
				}
				if kind == policy.BucketDocument && !bucketARN.MatchString(resource) || kind == policy.KeyDocument && resource != key {
					continue // which it does not stand at
				}
				before, now := policy.Evaluate(in, was).Decision, policy.Evaluate(in, is).Decision
				if before != now && (role != "media" || policy.Evaluate(in, ours).Decision != policy.Allowed) {
					t.Fatalf("%s of %s on %s under %v was %s, is %s:\n%s\n%s", in.Action, role, resource, context, before, now, d.JSON(), after.JSON())
				}
			}
		}
	})
	if corrected < 10 {
		t.Errorf("only %d documents were corrected", corrected)
	}
}
