package lint_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// foreigner is somebody else than the connection, as the documents of customers name
// them.
type foreigner struct {
	element string // of the statement
	callers []string
}

var foreigners = []foreigner{
	{`"Principal":{"AWS":"arn:aws:iam::999988887777:role/v2"}`, []string{"arn:aws:iam::999988887777:role/v2"}},
	{`"Principal":{"AWS":"999988887777"}`, []string{"arn:aws:iam::999988887777:role/v2", "arn:aws:iam::999988887777:user/u"}},
	{`"Principal":{"AWS":["arn:aws:iam::111122223333:user/boss","arn:aws:iam::999988887777:root"]}`, []string{"arn:aws:iam::111122223333:user/boss", "arn:aws:iam::999988887777:role/x"}},
	{`"Principal":{"AWS":["arn:aws:iam::873682911326:role/Worker","arn:aws:iam::999988887777:role/v2"]}`, []string{"arn:aws:iam::999988887777:role/v2"}},
	{`"Principal":{"AWS":["873682911326","arn:aws:iam::111122223333:user/boss"]}`, []string{"arn:aws:iam::111122223333:user/boss"}},
	{`"Principal":{"AWS":["arn:aws:iam::111122223333:role/media","arn:aws:iam::444455556666:root"]}`, []string{"arn:aws:iam::444455556666:role/app"}},
	{`"Principal":{"AWS":"arn:aws:sts::999988887777:assumed-role/v2/s"}`, []string{"arn:aws:sts::999988887777:assumed-role/v2/s"}},
	{`"Principal":{"Service":"cloudtrail.amazonaws.com"}`, []string{"cloudtrail.amazonaws.com"}},
	{`"Principal":{"Service":["logging.s3.amazonaws.com","ec2.amazonaws.com"],"AWS":"arn:aws:iam::873682911326:role/Worker"}`, []string{"logging.s3.amazonaws.com", "ec2.amazonaws.com"}},
	{`"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`, []string{"arn:aws:iam::111122223333:saml-provider/corp"}},
	{`"Principal":{"AWS":"*"}`, []string{"arn:aws:iam::222233334444:role/any", "arn:aws:iam::999988887777:role/v2"}},
	{`"Principal":"*"`, []string{"arn:aws:iam::222233334444:role/any", "*"}},
	{`"NotPrincipal":{"AWS":["arn:aws:iam::999988887777:role/v2","999988887777"]}`, []string{"arn:aws:iam::222233334444:role/any", "arn:aws:iam::999988887777:role/v2"}},
}

// limit is a condition, and contexts that meet it or do not.
type limitOf struct {
	condition string
	contexts  []string // key, value, key, value
	open      bool     // it says of nobody who is meant
}

var someLimits = []limitOf{
	{``, nil, true},
	{`"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`, []string{"aws:PrincipalOrgID o-a1b2c3d4e5"}, false},
	{`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/r-ab12/*"}`, []string{"aws:PrincipalOrgPaths o-a1b2c3d4e5/r-ab12/ou-1/"}, false},
	{`"StringEquals":{"aws:SourceVpce":["vpce-1a2b3c4d","vpce-9f8e7d6c"]}`, []string{"aws:SourceVpce vpce-1a2b3c4d", "aws:SourceVpce vpce-9f8e7d6c", "aws:SourceVpce vpce-0"}, false},
	{`"StringEquals":{"aws:SourceVpc":"vpc-1a2b3c4d"}`, []string{"aws:SourceVpc vpc-1a2b3c4d"}, false},
	{`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.7"]}`, []string{"aws:SourceIp 203.0.113.9", "aws:SourceIp 198.51.100.7"}, false},
	{`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, []string{"aws:MultiFactorAuthPresent true", "aws:MultiFactorAuthPresent false"}, true},
	{`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`, []string{"aws:MultiFactorAuthPresent true"}, true},
	{`"StringEquals":{"aws:SourceAccount":"444455556666"}`, []string{"aws:SourceAccount 444455556666"}, false},
	{`"StringEquals":{"aws:SourceAccount":"*"}`, []string{"aws:SourceAccount 444455556666"}, true},
	{`"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:trail/*"}`, []string{"aws:SourceArn arn:aws:cloudtrail:eu-west-1:444455556666:trail/t"}, true},
	{`"StringEquals":{"sts:ExternalId":"v2-9c8b7a6d5e4f3a2b"}`, []string{"sts:ExternalId v2-9c8b7a6d5e4f3a2b", "sts:ExternalId " + goodID}, true},
	{`"StringLike":{"sts:ExternalId":"v2-*"}`, []string{"sts:ExternalId v2-x"}, true},
	{`"StringEqualsIfExists":{"sts:ExternalId":"v2-9c8b7a6d5e4f3a2b"}`, []string{"sts:ExternalId v2-9c8b7a6d5e4f3a2b"}, true},
	{`"StringEquals":{"aws:PrincipalTag/team":"${aws:ResourceTag/team}"}`, []string{"aws:PrincipalTag/team x aws:ResourceTag/team x"}, true},
	{`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/*"}`, nil, true},
	{`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/v*"}`, nil, false},
	{`"NumericLessThan":{"s3:TlsVersion":"1.3"},"Bool":{"aws:SecureTransport":"true"}`, []string{"s3:TlsVersion 1.2 aws:SecureTransport true"}, true},
	{`"StringNotEquals":{"aws:PrincipalAccount":"222233334444"}`, nil, true},
	{`"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`, []string{"aws:CurrentTime 2029-01-01T00:00:00Z"}, true},
	{`"StringEquals":{"aws:Referer":"https://example.com/*"}`, []string{"aws:Referer https://example.com/a"}, true},
	{`"StringLike":{"s3:prefix":["","out/*"]}`, []string{"s3:prefix out/x", "s3:prefix in/x"}, true},
}

// limitsOf returns those whose keys requests that a document of the kind decides can have.
func limitsOf(kind policy.Kind) []limitOf {
	s3 := kind == policy.BucketDocument || kind == policy.PermissionsDocument
	return slices.DeleteFunc(slices.Clone(someLimits), func(l limitOf) bool {
		return strings.Contains(l.condition, `"sts:`) && kind != policy.TrustDocument || strings.Contains(l.condition, `"s3:`) && !s3
	})
}

var foreignActions = map[policy.Kind][]string{
	policy.TrustDocument:       {`"Action":"sts:AssumeRole"`, `"Action":["sts:AssumeRole","sts:TagSession"]`, `"Action":"sts:*"`, `"Action":"sts:AssumeRoleWithSAML"`, `"NotAction":"sts:TagSession"`},
	policy.BucketDocument:      {`"Action":"s3:*"`, `"Action":["s3:GetObject","s3:PutObject","s3:PutObjectAcl"]`, `"Action":"s3:HeadBucket"`, `"Action":"s3:ListBucket"`, `"Action":"s3:Get*"`, `"NotAction":"s3:DeleteBucket"`, `"Action":"s3:GetObjects"`},
	policy.KeyDocument:         {`"Action":"kms:*"`, `"Action":["kms:Decrypt","kms:Encrypt"]`, `"NotAction":"kms:ScheduleKeyDeletion"`, `"Action":"kms:Describe*"`},
	policy.PermissionsDocument: {`"Action":"s3:*"`, `"Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"]`, `"Action":"*"`, `"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*"]`, `"NotAction":"iam:*"`, `"Action":["sqs:SendMessage","s3:ListBucket"]`, `"Action":"s3:PutObjectAcl"`},
	policy.WorkerDocument:      {`"Action":"sts:AssumeRole"`, `"Action":"sts:*"`},
}

var foreignResources = map[policy.Kind][]string{
	policy.BucketDocument: {
		`"Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"]`, `"Resource":"arn:aws:s3:::acme-masters/*"`, `"Resource":"arn:aws:s3:::acme-masters/in/*"`, `"Resource":"arn:aws:s3:::acme-masters/out/*"`,
		`"Resource":"arn:aws:s3:::acme-masters"`, `"NotResource":"arn:aws:s3:::acme-masters/in/*"`, `"Resource":"arn:aws:s3:::acme-masters/${aws:PrincipalAccount}/*"`, `"Resource":"arn:aws:s3:::acme-masters/${aws:PrincipalTag/team, 'in'}/*"`,
	},
	policy.KeyDocument: {`"Resource":"*"`, `"Resource":"arn:aws:kms:eu-central-1:111122223333:key/k"`},
	policy.PermissionsDocument: {
		`"Resource":"*"`, `"Resource":"arn:aws:s3:::other/*"`, `"Resource":["arn:aws:s3:::acme-masters/*","arn:aws:s3:::acme-masters"]`, `"Resource":"arn:aws:s3:::acme-masters/in2/*"`, `"Resource":"arn:aws:s3:::acme-masters*"`,
		`"Resource":"arn:aws:kms:eu-central-1:111122223333:key/*"`, `"NotResource":"arn:aws:s3:::acme-masters/in/*"`, `"Resource":"arn:aws:s3:::*/out/*"`, `"Resource":"arn:aws:s3:::acme-masters/${aws:username}/*"`,
	},
	policy.WorkerDocument: {`"Resource":"arn:aws:iam::111122223333:role/other"`, `"Resource":["arn:aws:iam::222233334444:role/media/ingest","arn:aws:iam::333344445555:role/x"]`, `"Resource":"arn:aws:iam::*:role/*"`},
}

// ours are statements for the connection, with faults that have fixes.
var ours = map[policy.Kind][]string{
	policy.TrustDocument: {
		oursTrust, strings.Replace(oursTrust, `"StringEquals"`, `"StringEqualsIfExists"`, 1), strings.Replace(oursTrust, goodID, "some-other-id-1", 1), strings.Replace(oursTrust, goodID, "acme", 1),
		strings.Replace(oursTrust, "arn:aws:iam::873682911326:role/Worker", "873682911326", 1), strings.Replace(oursTrust, `"sts:AssumeRole"`, `"sts:*"`, 1), strings.Replace(oursTrust, `sts:ExternalId`, `sts:ExternalID`, 1),
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"sts:AssumeRole"}`,
	},
	policy.BucketDocument: {
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":"s3:*","Resource":"arn:aws:s3:::acme-masters/in/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/in/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":["s3:GetObject","s3:ListObjects"],"Resource":["arn:aws:s3:::acme-masters/*","arn:aws:s3:::acme-masters"]}`,
	},
	policy.KeyDocument: {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":["kms:Decrypt","kms:decrypt"],"Resource":"*"}`},
	policy.PermissionsDocument: {
		`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:HeadObject"],"Resource":"arn:aws:s3:::acme-masters/in/*"}`, `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters/in/*"}`,
		`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/in/*"],"Condition":{"StringLike":{"s3:prefix":"in/*"}}}`,
	},
	policy.WorkerDocument: {`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"111122223333:role/media"}`, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/media"}`},
}

// foreignRequests are those of others than the connection, on a document of the kind.
func foreignRequests(kind policy.Kind, who []string, contexts [][]string) []policy.Request {
	const bucket = "arn:aws:s3:::acme-masters"
	on := map[string][]string{}
	switch kind {
	case policy.TrustDocument:
		on["arn:aws:iam::111122223333:role/media"] = []string{"sts:AssumeRole", "sts:TagSession", "sts:AssumeRoleWithSAML"}
	case policy.BucketDocument:
		on[bucket] = []string{"s3:ListBucket", "s3:PutBucketPolicy"}
		for _, key := range []string{"/in/a", "/out/a", "/x", "/222233334444/a", "/team/a"} {
			on[bucket+key] = []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl"}
		}
	case policy.KeyDocument:
		on["arn:aws:kms:eu-central-1:111122223333:key/k"] = []string{"kms:Decrypt", "kms:Encrypt", "kms:ScheduleKeyDeletion", "kms:DescribeKey"}
	case policy.PermissionsDocument:
		who = []string{"arn:aws:iam::111122223333:role/media"}
		for _, object := range []string{bucket + "/in2/a", bucket + "/out/a", bucket + "-2/out/a", "arn:aws:s3:::other/a"} {
			on[object] = []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl"}
		}
		on["arn:aws:s3:::other"] = []string{"s3:ListBucket", "s3:DeleteBucket"}
		on["arn:aws:kms:eu-central-1:111122223333:key/k"] = []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"}
		on["arn:aws:sqs:eu-central-1:111122223333:q"] = []string{"sqs:SendMessage"}
	case policy.WorkerDocument:
		who = []string{"arn:aws:iam::873682911326:role/Worker"}
		for _, role := range []string{"111122223333:role/other", "222233334444:role/media/ingest", "333344445555:role/x"} {
			on["arn:aws:iam::"+role] = []string{"sts:AssumeRole"}
		}
	}
	var out []policy.Request
	for _, caller := range who {
		for resource, actions := range on {
			for _, action := range actions {
				for _, context := range contexts {
					never := strings.Contains(caller, ":saml-provider/") != (action == "sts:AssumeRoleWithSAML") && kind == policy.TrustDocument || slices.Contains(context, "s3:prefix") && action != "s3:ListBucket" || slices.Contains(context, "s3:TlsVersion") && !strings.HasPrefix(action, "s3:")
					if !never { // no such request has the key
						out = append(out, asks(caller, action, resource, context...))
					}
				}
			}
		}
	}
	return out
}

// TestGuardForAny fixes documents that are put together from statements for the
// connection, with faults, and statements for others: what these may do stays.
func TestGuardForAny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom(lint.Kinds()).Draw(r, "kind")
		o := lint.Options{Kind: kind}
		if rapid.Bool().Draw(r, "for a connection") {
			o.Kit, o.Organization = harmKit(), "acme"
		}
		var statements, who []string
		contexts := [][]string{{}}
		closing := false // everyone is let in, which a fix closes
		for range rapid.IntRange(1, 3).Draw(r, "others") {
			s := `{"Effect":"` + rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(r, "effect") + `",` + rapid.SampledFrom(foreignActions[kind]).Draw(r, "actions")
			f := rapid.SampledFrom(foreigners).Draw(r, "foreigner")
			if kind != policy.PermissionsDocument && kind != policy.WorkerDocument {
				s += "," + f.element
				who = append(who, f.callers...)
			}
			if resources := foreignResources[kind]; resources != nil {
				s += "," + rapid.SampledFrom(resources).Draw(r, "resources")
			}
			l := rapid.SampledFrom(limitsOf(kind)).Draw(r, "limit")
			if l.condition != "" {
				s += `,"Condition":{` + l.condition + `}`
			}
			for _, c := range l.contexts {
				contexts = append(contexts, strings.Fields(c))
			}
			closing = closing || l.open && slices.Contains(f.callers, "arn:aws:iam::222233334444:role/any")
			statements = append(statements, s+"}")
		}
		if rapid.Bool().Draw(r, "and ours") {
			statements = append(statements, rapid.SampledFrom(ours[kind]).Draw(r, "ours"))
		}
		statements = rapid.Permutation(statements).Draw(r, "order")
		text := []byte(`{` + rapid.SampledFrom([]string{`"Version":"2012-10-17",`, `"Version":"2012-10-17",`, `"Version":"2008-10-17",`, ``}).Draw(r, "version") + `"Statement":[` + strings.Join(statements, ",") + `]}`)
		if !json.Valid(text) {
			r.Fatalf("no JSON: %s", text)
		}
		got := lint.Check([]lint.File{{Name: "p", Data: text}}, o).Files[0]
		if got.Fixed == nil {
			return
		}
		closes := kind == policy.TrustDocument && o.Kit != nil && closing
		for _, in := range foreignRequests(kind, who, contexts) {
			was, is := decide(t, kind, text, in), decide(t, kind, got.Fixed, in)
			allowed, allows := was == policy.Allowed, is == policy.Allowed
			switch {
			case strings.HasPrefix(string(was), "none"), allowed == allows:
			case allowed && closes: // by principal-anyone
			case allowed && o.Kit == nil && kind == policy.TrustDocument && in.Context["sts:ExternalId"] == nil && strings.Contains(string(text), "StringEqualsIfExists"): // by external-id-open
			case allows && o.Kit == nil && strings.HasPrefix(in.Principal, "arn:aws:") && !strings.Contains(in.Principal, "222233334444"): // whom the document names
			case allows && o.Kit == nil && strings.HasSuffix(in.Principal, ".amazonaws.com") && strings.Contains(string(text), `"aws:SourceAccount":"444455556666"`): // for one account
			default:
				r.Fatalf("%s by %s %v on %s was %s and is %s:\n%s\n%s", in.Action, in.Principal, in.Context, in.Resource, was, is, text, got.Fixed)
			}
		}
	})
}
