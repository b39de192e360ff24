package correct

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const storing = `
accounts:
  "111122223333":
    users: {admin: {access_key_id: AKIAADMIN, secret_access_key: s, policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}}
    roles:
      media: {trust: &nobody {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}}
      other: {trust: *nobody}
  "444455556666":
    users:
      admin: {access_key_id: AKIAOWNER, secret_access_key: s, policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}
      auditor: {}
    buckets: {acme: {region: eu-central-1}}
    keys: {1234abcd-12ab-34cd-56ef-1234567890ab: {region: eu-central-1, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "444455556666"}, Action: "kms:*", Resource: "*"}]}}}
  "999900009999": {roles: {production: {trust: *nobody}}}
`

// drawGuard writes a Deny of the customer's as people write them: for whom, of
// what, on what and unless what.
func drawGuard(t *rapid.T, kind policy.Kind) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	some := func(label string, of ...string) string {
		return `["` + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 3, rapid.ID).Draw(t, label), `","`) + `"]`
	}
	out := `{"Sid":"Guard","Effect":"Deny"`
	if kind.Layer() == policy.ResourcePolicy {
		named := some("names", us, "arn:aws:iam::111122223333:role/other", "111122223333", "arn:aws:iam::444455556666:user/auditor", "arn:aws:sts::111122223333:assumed-role/media/acme.in")
		out += "," + one("principal", `"Principal":"*"`, `"Principal":{"AWS":"`+us+`"}`, `"Principal":{"AWS":`+named+`}`, `"NotPrincipal":{"AWS":["arn:aws:iam::444455556666:root","arn:aws:iam::444455556666:user/auditor"]}`)
	}
	prefix := map[bool]string{true: "kms:", false: "s3:"}[kind == policy.KeyDocument]
	actions := some("actions", "s3:*", "s3:Get*", "s3:Put*", "s3:Delete*", "s3:List*", "s3:*Object", "s3:GetObject", "s3:PutObject", "s3:*Multipart*", "s3:?etObject*", "s3:PutBucket*", "S3:GETOBJECT")
	if kind == policy.KeyDocument {
		actions = some("actions", "kms:*", "kms:De*", "kms:Decrypt", "kms:Generate*", "kms:*DataKey*", "kms:ReEncrypt*")
	}
	out += "," + one("element", `"Action":`+actions, `"Action":`+actions, `"NotAction":["`+prefix+`Put*","`+prefix+`*Tag*"]`)
	resources := some("resources", "arn:aws:s3:::acme", "arn:aws:s3:::acme/*", "arn:aws:s3:::acme/in/*", "arn:aws:s3:::acme/out/*", "arn:aws:s3:::acme/in/a", "arn:aws:s3:::acme*")
	if kind == policy.KeyDocument {
		resources = `"*"`
	}
	out += "," + one("on", `"Resource":`+resources, `"Resource":`+resources, strings.Replace(`"NotResource":`+resources, `"NotResource":"*"`, `"Resource":"*"`, 1))
	own := ""
	if kind != policy.KeyDocument {
		own = one("own", "", `"s3:prefix":"pub/*"`, `"s3:x-amz-acl":"bucket-owner-full-control"`, `"s3:ExistingObjectTag/team":"media"`, `"s3:TlsVersion":"1.2"`)
	}
	conditions := []string{
		"", `{"Bool":{"aws:SecureTransport":"true"}}`, `{"StringNotEquals":{"aws:PrincipalOrgID":"o-acme12345"}}`, `{"ArnEquals":{"aws:PrincipalArn":"` + us + `"}}`,
		`{"StringLike":{"aws:PrincipalArn":["` + us + `","arn:aws:iam::111122223333:role/o*"]}}`, `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:*"}}`,
	}
	if own != "" {
		conditions = append(conditions, `{"StringNotLike":{`+own+`}}`, `{"StringLike":{`+own+`,"aws:PrincipalAccount":"111122223333"}}`)
	}
	if c := one("condition", conditions...); c != "" {
		out += `,"Condition":` + c
	}
	return out + "}"
}

// What is corrected is stored by AWS's own calls, wherever what was there is.
func TestCorrectedDocumentsAreStored(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Start(t, storing)
	s := limitedSetup()
	kit, ok := s.NeededKit()
	if !ok {
		t.Fatal("no kit")
	}
	owner, roleOwner := aws.Credentials{AccessKeyID: "AKIAOWNER", SecretAccessKey: "s"}, aws.Credentials{AccessKeyID: "AKIAADMIN", SecretAccessKey: "s"}
	corrected := map[policy.Kind]int{}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]policy.Kind{policy.BucketDocument, policy.BucketDocument, policy.BucketDocument, policy.PermissionsDocument, policy.KeyDocument}).Draw(rt, "kind")
		put := func(document string) error {
			switch kind {
			case policy.BucketDocument:
				return sandboxtest.StorePolicy(t, server, owner, "PutBucketPolicy", "acme", document)
			case policy.KeyDocument:
				return sandboxtest.StorePolicy(t, server, owner, "PutKeyPolicy", "1234abcd-12ab-34cd-56ef-1234567890ab", document)
			default:
				return sandboxtest.StorePolicy(t, server, roleOwner, "PutRolePolicy", "media", document)
			}
		}
		store := func(document string) error {
			err := put(document)
			if err != nil && strings.Contains(err.Error(), "AccessDenied") { // by what was stored before
				server = sandboxtest.Start(t, storing)
				err = put(document)
			}
			return err
		}
		d := readDocument(kit.Document(kind))
		all := statements(d)
		if kind == policy.KeyDocument {
			all = append(all, statements(readDocument(parsed(rt, `{"Version":"2012-10-17","Statement":[{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:*","Resource":"*"}]}`)))...)
		}
		for range rapid.IntRange(1, 2).Draw(rt, "guards") {
			all = append(all, statements(readDocument(parsed(rt, `{"Version":"2012-10-17","Statement":[`+drawGuard(rt, kind)+`]}`)))...)
		}
		there := string(withStatements(d, all).JSON())
		if store(there) != nil {
			return // nobody has it
		}
		step := map[policy.Kind]string{policy.KeyDocument: rolecall.StepKey}[kind]
		if step == "" {
			step = rapid.SampledFrom([]string{rolecall.StepRead, rolecall.StepWrite, rolecall.StepList}).Draw(rt, "step")
		}
		j, ok := s.Judge(Question{Step: step, LayerKnown: true, Denial: policy.Denial{Explicit: true}}, kind, []Given{{Kind: kind, File: "theirs.json", Document: parsed(rt, there)}})
		if !ok || j.Corrected == nil {
			return
		}
		corrected[kind]++
		if err := store(string(j.Corrected)); err != nil {
			rt.Fatalf("%v:\n%s\n%s", err, there, j.Corrected)
		}
		for _, statement := range statements(readDocument(parsed(rt, string(j.Corrected)))) {
			for _, element := range []string{"Action", "NotAction", "Resource", "NotResource"} {
				if list := statement.Get(element).Strings(); len(slices.Compact(slices.Sorted(slices.Values(list)))) != len(list) {
					rt.Fatalf("%s says the same twice: %s", element, statement.JSON())
				}
			}
			if never := `"ArnNotEquals":{"aws:PrincipalArn":"` + us + `"}`; strings.Contains(string(statement.JSON()), never) && namesOnly(statement, us) {
				rt.Fatalf("nobody meets %s", statement.JSON())
			}
		}
	})
	if len(corrected) == 0 {
		t.Error("nothing was corrected")
	}
}

// A corrected trust policy is stored too, keeps whom others let in, and lets in
// nobody of the vendor's under a wrong external id.
func TestCorrectedTrustIsStored(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Start(t, storing)
	s := limitedSetup()
	owner := aws.Credentials{AccessKeyID: "AKIAADMIN", SecretAccessKey: "s"}
	const other = "arn:aws:iam::111122223333:role/other"
	corrected := 0
	rapid.Check(t, func(rt *rapid.T) {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		var all []string
		for i := range rapid.IntRange(1, 3).Draw(rt, "statements") {
			names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"arn:aws:iam::999900009999:role/production", "999900009999", other, "111122223333", "arn:aws:iam::444455556666:root"}), 1, 3, rapid.ID).Draw(rt, "names")
			principal := one("principal", `{"AWS":["`+strings.Join(names, `","`)+`"]}`, `{"AWS":["`+strings.Join(names, `","`)+`"]}`, `{"Service":"ec2.amazonaws.com"}`, `{"AWS":"*"}`, `"*"`,
				`{"AWS":"`+names[0]+`","Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}`)
			condition := one("condition", "", `,"Condition":{"StringEquals":{"sts:ExternalId":"acme-42"}}`, `,"Condition":{"StringEquals":{"sts:ExternalId":["theirs","acme-41"]}}`,
				`,"Condition":{"StringLike":{"sts:ExternalId":"acme-*"}}`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-acme12345"}}`,
				`,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringEquals":{"STS:externalid":"acme-42"}}`)
			all = append(all, fmt.Sprintf(`{"Sid":"S%d","Effect":"%s","Principal":%s,"Action":%s%s}`, i, one("effect", "Allow", "Allow", "Allow", "Deny"), principal,
				one("action", `"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession"]`, `"sts:*"`), condition))
		}
		there := `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
		if sandboxtest.StorePolicy(t, server, owner, "UpdateAssumeRolePolicy", "media", there) != nil {
			return
		}
		given := parsed(rt, there)
		step := one("step", rolecall.StepAssume, rolecall.StepExternalIDAbsent, rolecall.StepExternalIDNear)
		j, ok := s.Judge(Question{Step: step, LayerKnown: rapid.Bool().Draw(rt, "known")}, policy.TrustDocument, []Given{{Kind: policy.TrustDocument, File: "theirs.json", Document: given}})
		if !ok || j.Corrected == nil {
			return
		}
		corrected++
		if err := sandboxtest.StorePolicy(t, server, owner, "UpdateAssumeRolePolicy", "media", string(j.Corrected)); err != nil {
			rt.Fatalf("%v:\n%s\n%s", err, there, j.Corrected)
		}
		after := parsed(rt, string(j.Corrected))
		asks := func(d *policy.Document, who, id string) policy.Decision {
			in := policy.Request{Principal: who, Action: "sts:AssumeRole", Resource: us, Account: "111122223333", Context: map[string][]string{"aws:SourceIp": {"203.0.113.1"}, "aws:MultiFactorAuthPresent": {"true"}}}
			if id != "" {
				in.Context["sts:ExternalId"] = []string{id}
			}
			return policy.Evaluate(in, layer{kind: policy.TrustDocument, account: "111122223333"}.policies(d)).Decision
		}
		for _, who := range []string{"arn:aws:sts::111122223333:assumed-role/other/x", "arn:aws:iam::444455556666:user/auditor", "arn:aws:iam::777788889999:user/stranger"} {
			for _, id := range []string{"", "acme-42", "acme-41", "theirs", "x"} {
				if was, is := asks(given, who, id), asks(after, who, id); was != is && !(is == policy.ImplicitlyDenied && namesEveryoneIn(given)) {
					rt.Fatalf("%s with %q was %s, is %s:\n%s\n%s", who, id, was, is, there, j.Corrected)
				}
			}
		}
		for _, id := range []string{"", "acme-41", "theirs", "x", "acme-421"} {
			if was, is := asks(given, "arn:aws:sts::999900009999:assumed-role/production/x", id), asks(after, "arn:aws:sts::999900009999:assumed-role/production/x", id); was != policy.Allowed && is == policy.Allowed {
				rt.Fatalf("the worker with %q is let in now:\n%s\n%s", id, there, j.Corrected)
			}
		}
	})
	if corrected == 0 {
		t.Error("nothing was corrected")
	}
}

// namesEveryoneIn reports whether an Allow of a document is for everyone: what lets
// in the vendor under any id is taken out, whoever else it may be for.
func namesEveryoneIn(d *policy.Document) bool {
	return slices.ContainsFunc(statements(readDocument(d)), func(s *tree.Node) bool { return !isDeny(s) && namesEveryone(s) })
}
