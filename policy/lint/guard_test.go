package lint_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// guardCase is a document whose fixes must not change what the requests of others are
// answered.
type guardCase struct {
	kind       policy.Kind
	statements string
	others     []policy.Request
	version    string // empty: 2012-10-17
}

const oursTrust = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}}`

func assumes(who string, context ...string) policy.Request {
	return asks(who, "sts:AssumeRole", "arn:aws:iam::111122223333:role/media", context...)
}

func asks(who, action, resource string, context ...string) policy.Request {
	r := policy.Request{Principal: who, Action: action, Resource: resource, Account: "777788889999", Context: map[string][]string{}}
	for i := 0; i < len(context); i += 2 {
		r.Context[context[i]] = []string{context[i+1]}
	}
	return r
}

// decide returns what a document decides where the other side allows all.
func decide(t *testing.T, kind policy.Kind, document []byte, in policy.Request) policy.Decision {
	t.Helper()
	d, err := policy.Parse(document)
	if err != nil {
		return "none: AWS does not store it"
	}
	all, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	among := policy.Policies{Identity: []*policy.Document{identity}, Resource: d}
	if kind == policy.PermissionsDocument || kind == policy.WorkerDocument {
		among = policy.Policies{Identity: []*policy.Document{d}, Resource: all}
	}
	return policy.Evaluate(in, among).Decision
}

// guardCases are what outside reviewers tried, and their like.
func guardCases() map[string]guardCase {
	const (
		worker, v2, boss = "arn:aws:iam::873682911326:role/Worker", "arn:aws:iam::999988887777:role/v2", "arn:aws:iam::111122223333:user/boss"
		role             = "arn:aws:iam::111122223333:role/media"
		bucket           = "arn:aws:s3:::acme-masters"
		both             = `"Resource":["` + bucket + `","` + bucket + `/*"]`
	)
	trust := func(principal, condition string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole","Condition":{` + condition + `}}`
	}
	id := `"StringEquals":{"sts:ExternalId":"` + goodID + `"}`
	out := map[string]guardCase{
		"two accounts": {kind: policy.TrustDocument, statements: trust(`{"AWS":["873682911326","999988887777"]}`, id), others: []policy.Request{assumes(v2, "sts:ExternalId", goodID)}},
		"an account and the customer's own": {
			kind: policy.TrustDocument, statements: trust(`{"AWS":["arn:aws:iam::873682911326:root","`+boss+`"]}`, id),
			others: []policy.Request{assumes(boss, "sts:ExternalId", goodID)},
		},
		"an account and the customer's own, no id": {
			kind: policy.TrustDocument, statements: `{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::873682911326:root","` + boss + `"]},"Action":"sts:AssumeRole"}`,
			others: []policy.Request{assumes(boss)},
		},
		"a partner's organization": {
			kind: policy.TrustDocument, statements: oursTrust + "," + trust(`{"AWS":"*"}`, `"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"partner-7d1f9b3c"}`),
			others: []policy.Request{assumes(v2, "aws:PrincipalOrgID", "o-a1b2c3d4e5", "sts:ExternalId", "partner-7d1f9b3c"), assumes(v2, "aws:PrincipalOrgID", "o-a1b2c3d4e5", "sts:ExternalId", goodID)},
		},
		"everyone with a partner's id, and a Deny of all other organizations": {
			kind: policy.TrustDocument, statements: oursTrust + "," + trust(`{"AWS":"*"}`, `"StringEquals":{"sts:ExternalId":"partner-7d1f9b3c"}`) +
				`,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`,
			others: []policy.Request{assumes(v2, "aws:PrincipalOrgID", "o-a1b2c3d4e5", "sts:ExternalId", "partner-7d1f9b3c")},
		},
		"everyone, and a Deny of all other principals": {
			kind: policy.TrustDocument, statements: oursTrust + `,{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},` +
				`{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"ArnNotLike":{"aws:PrincipalArn":["` + v2 + `","` + worker + `"]}}}`,
			others: []policy.Request{assumes(v2)},
		},
		"another connection's writing below the prefix": {
			kind: policy.PermissionsDocument, statements: `{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + bucket + `/in/*"},` +
				`{"Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload"],"Resource":"` + bucket + `/in/results/*"}`,
			others: []policy.Request{asks(role, "s3:PutObject", bucket+"/in/results/a"), asks(role, "s3:AbortMultipartUpload", bucket+"/in/results/a")},
		},
		"another connection's writing at the same prefix": {
			kind: policy.PermissionsDocument, statements: `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"` + bucket + `/in/*"}`,
			others: []policy.Request{asks(role, "s3:PutObject", bucket+"/in/a"), asks(role, "s3:DeleteObject", bucket+"/in/a")},
		},
		"an id beside the right one": {
			kind: policy.TrustDocument, statements: trust(`{"AWS":"`+worker+`"}`, `"StringEquals":{"sts:ExternalId":["old-id","`+goodID+`"]}`),
			others: []policy.Request{assumes(worker, "sts:ExternalId", "old-id")},
		},
		"an id in a statement beside the right one": {
			kind: policy.TrustDocument, statements: oursTrust + "," + trust(`{"AWS":"`+worker+`"}`, `"StringEquals":{"sts:ExternalId":"other-customer-1"}`),
			others: []policy.Request{assumes(worker, "sts:ExternalId", "other-customer-1")},
		},
		"a stranger's tag": {
			kind: policy.TrustDocument, statements: trust(`{"AWS":"*"}`, `"StringEquals":{"aws:PrincipalTag/id":"${sts:ExternalId}"}`), version: "2008-10-17",
			others: []policy.Request{assumes("arn:aws:iam::444455556666:user/stranger", "aws:PrincipalTag/id", "x", "sts:ExternalId", "x")},
		},
		"a default that is public": {
			kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"` + bucket + `/${aws:PrincipalTag/team, 'in'}/*"}`, version: "none",
			others: []policy.Request{asks("*", "s3:GetObject", bucket+"/in/a")},
		},
		"an account's own prefix": {
			kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"` + bucket + `/${aws:PrincipalAccount}/*"}`, version: "2008-10-17",
			others: []policy.Request{asks("arn:aws:iam::444455556666:user/stranger", "s3:PutObject", bucket+"/444455556666/a")},
		},
		"any account's logs": {
			kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"` + bucket + `/*","Condition":{"StringEquals":{"aws:SourceAccount":"*"}}}`,
			others: []policy.Request{asks("logging.s3.amazonaws.com", "s3:PutObject", bucket+"/a", "aws:SourceAccount", "444455556666")},
		},
		"any account's trail": {
			kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"` + bucket + `/*","Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:trail/*"}}}`,
			others: []policy.Request{asks("cloudtrail.amazonaws.com", "s3:PutObject", bucket+"/a", "aws:SourceArn", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/x")},
		},
	}
	partner := "arn:aws:iam::999988887777:role/v2"
	for name, condition := range map[string]string{
		"a pattern of an account": `"StringLike":{"aws:PrincipalArn":"arn:aws:iam::999988887777:*"}`, "a looser one": `"StringLike":{"aws:PrincipalArn":"arn:aws:*::999988887777:*"}`,
		"an account in a pattern": `"StringLike":{"aws:PrincipalArn":"*999988887777*"}`, "a part of an account": `"StringLike":{"aws:PrincipalAccount":"99998888*"}`,
	} {
		out[name] = guardCase{kind: policy.TrustDocument, statements: oursTrust + "," + trust(`{"AWS":"*"}`, condition), others: []policy.Request{assumes(partner)}}
	}
	second := `"StringEquals":{"sts:ExternalId":"boss-7d1f9b3c44"},"Bool":{"aws:MultiFactorAuthPresent":"true"}`
	for name, who := range map[string]string{"the customer's user": `"` + boss + `"`, "the customer's account": `"111122223333"`, "the customer's user beside ours": `["` + worker + `","` + boss + `"]`} {
		out["a second factor of "+name] = guardCase{kind: policy.TrustDocument, statements: oursTrust + "," + trust(`{"AWS":`+who+`}`, second), others: []policy.Request{assumes(boss, "sts:ExternalId", "boss-7d1f9b3c44")}}
	}
	for name, condition := range map[string]string{
		"a service behind everyone": `"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}`, "services behind everyone": `"Bool":{"aws:PrincipalIsAWSService":"true"}`,
	} {
		out[name] = guardCase{
			kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"` + bucket + `","Condition":{` + condition + `}}`,
			others: []policy.Request{asks("cloudtrail.amazonaws.com", "s3:PutObject", bucket+"/in/a")},
		}
	}
	out["every service"] = guardCase{
		kind:       policy.BucketDocument,
		statements: `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"` + bucket + `/*","Condition":{"StringEquals":{"aws:PrincipalServiceName":"*.amazonaws.com"}}}`,
		others:     []policy.Request{asks("cloudtrail.amazonaws.com", "s3:PutObject", bucket+"/in/a")},
	}
	out["another key"] = guardCase{
		kind:       policy.KeyDocument,
		statements: `{"Effect":"Allow","Principal":{"AWS":"` + v2 + `"},"Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-central-1:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab"}`,
		others:     []policy.Request{asks(v2, "kms:Decrypt", "arn:aws:kms:eu-central-1:111122223333:key/k")},
	}
	out["a forgotten principal, with another id"] = guardCase{
		kind: policy.TrustDocument, statements: oursTrust + `,{"Effect":"Allow","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"partner-7d1f9b3c44"}}}`,
		others: []policy.Request{assumes(worker, "sts:ExternalId", "partner-7d1f9b3c44")},
	}
	for name, c := range map[string][2]string{
		"an endpoint": {`"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d5e6f7a8b9"}`, "aws:SourceVpce vpce-1a2b3c4d5e6f7a8b9"},
		"a network":   {`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, "aws:SourceIp 203.0.113.9"},
		"a VPC":       {`"StringEquals":{"aws:SourceVpc":"vpc-1a2b3c4d"}`, "aws:SourceVpc vpc-1a2b3c4d"},
		"a path":      {`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}`, "aws:PrincipalOrgPaths o-a1b2c3d4e5/r-ab12/"},
	} {
		var others []policy.Request
		for _, action := range []string{"s3:PutObject", "s3:DeleteObject", "s3:GetObject"} {
			others = append(others, asks("arn:aws:iam::444455556666:role/app", action, bucket+"/in/a", strings.Fields(c[1])...))
		}
		out["s3:* for "+name] = guardCase{kind: policy.BucketDocument, statements: `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*",` + both + `,"Condition":{` + c[0] + `}}`, others: others}
	}
	right := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + bucket + `/in/*"},{"Effect":"Allow","Action":"s3:ListBucket","Resource":"` + bucket + `","Condition":{"StringLike":{"s3:prefix":"in/*"}}},`
	for name, c := range map[string]struct {
		statement string
		others    []policy.Request
	}{
		"another prefix":    {`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"` + bucket + `/in2/*"}`, []policy.Request{asks(role, "s3:PutObject", bucket+"/in2/a")}},
		"another bucket":    {`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}`, []policy.Request{asks(role, "s3:PutObject", "arn:aws:s3:::other/a"), asks(role, "s3:DeleteObject", "arn:aws:s3:::other/a")}},
		"the whole bucket":  {`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"` + bucket + `/*"}`, []policy.Request{asks(role, "s3:PutObject", bucket+"/out/a"), asks(role, "s3:GetObject", bucket+"/out/a")}},
		"every bucket":      {`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, []policy.Request{asks(role, "s3:GetObject", "arn:aws:s3:::other/a")}},
		"buckets of a name": {`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + bucket + `*"}`, []policy.Request{asks(role, "s3:GetObject", bucket+"-2/a")}},
		"every key":         {`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`, []policy.Request{asks(role, "kms:Decrypt", "arn:aws:kms:eu-central-1:111122223333:key/other")}},
		"everything":        {`{"Effect":"Allow","Action":"*","Resource":"*"}`, []policy.Request{asks(role, "s3:PutBucketPolicy", "arn:aws:s3:::other"), asks(role, "ec2:RunInstances", "*")}},
	} {
		out["permissions on "+name] = guardCase{kind: policy.PermissionsDocument, statements: right + c.statement, others: c.others}
	}
	return out
}

// TestGuard fixes documents that are for others, too.
func TestGuard(t *testing.T) {
	t.Parallel()
	for name, c := range guardCases() {
		version := `"Version":"2012-10-17",`
		if c.version == "none" {
			version = ""
		} else if c.version != "" {
			version = `"Version":"` + c.version + `",`
		}
		text := []byte(`{` + version + `"Statement":[` + c.statements + `]}`)
		for _, kit := range []*policy.KitRequest{nil, harmKit()} {
			got := check(t, text, lint.Options{Kind: c.kind, Kit: kit})
			if got.Fixed == nil {
				continue
			}
			for _, in := range c.others {
				if was, is := decide(t, c.kind, text, in), decide(t, c.kind, got.Fixed, in); was != is {
					t.Errorf("%s, with a connection %t: %s by %s %v on %s was %s and is %s:\n%s\n%s", name, kit != nil, in.Action, in.Principal, in.Context, in.Resource, was, is, text, got.Fixed)
				}
			}
		}
	}
}
