package explain_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// apply makes a change as a reader of it would.
func apply(t rapid.TB, c explain.Change, in policy.Request, p policy.Policies) (policy.Request, policy.Policies) {
	t.Helper()
	set := func(documents []*policy.Document, i int, d *policy.Document) []*policy.Document {
		if i == len(documents) {
			return append(slices.Clone(documents), d)
		}
		out := slices.Clone(documents)
		out[i] = d
		return out
	}
	for _, e := range c.Edits {
		if e.Document == nil && e.Policy != "" { // to be deleted: says nothing
			e.Document = parse(t, document())
		}
		switch e.Policy {
		case "":
			in.Context = maps.Clone(in.Context)
			if in.Context == nil {
				in.Context = map[string][]string{}
			}
			key := strings.ReplaceAll(strings.TrimPrefix(e.Pointer, "/context/"), "~1", "/")
			maps.DeleteFunc(in.Context, func(k string, _ []string) bool { return strings.EqualFold(k, key) })
			if e.Value != "" {
				in.Context[key] = []string{e.Value}
			}
		case policy.Identity:
			p.Identity = set(p.Identity, e.Index, e.Document)
		case policy.Boundary:
			p.Boundary = set(p.Boundary, e.Index, e.Document)
		case policy.ResourcePolicy:
			p.Resource = e.Document
		case policy.SessionPolicy:
			p.Session = e.Document
		case policy.SCP, policy.RCP:
			levels := &p.SCP
			if e.Policy == policy.RCP {
				levels = &p.RCP
			}
			*levels = slices.Clone(*levels)
			index := e.Index
			for i, level := range *levels {
				if index < len(level) {
					(*levels)[i] = set(level, index, e.Document)
					break
				}
				index -= len(level)
			}
		}
	}
	return in, p
}

func parse(t rapid.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	object  = `"principal":"arn:aws:sts::111111111111:assumed-role/media/s","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","account":"111111111111"`
	reading = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
)

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// sqs allows something else than is asked for.
const sqs = `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`

func TestSmallest(t *testing.T) {
	t.Parallel()
	worker := `"principal":"arn:aws:sts::111111111111:assumed-role/worker/i","action":"sts:AssumeRole","resource":"arn:aws:iam::222222222222:role/r","account":"222222222222",
		"identity":[` + document(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`) + `]`
	trust := func(principal, condition string) string {
		return document(`{"Sid":"Trust","Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole","Condition":{` + condition + `}}`)
	}
	production := "arn:aws:iam::111111111111:role/production"
	for _, c := range []struct{ name, line, want string }{
		{
			"a resource more", object + `,"identity":[` + document(`{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`) + `]`,
			`add "arn:aws:s3:::b/k" to Resource of the statement Read`,
		},
		{
			"an action more", object + `,"identity":[` + document(`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::b/k"}`) + `]`,
			`add "s3:GetObject" to Action of statement 0`,
		},
		{
			"no action more on more than the resource", object + `,"identity":[` + document(`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"no resource more for another action too", object + `,"identity":[` + document(`{"Effect":"Allow","Action":["s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::a/*"}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"no address more for more than the request", `"context":{"aws:SourceIp":"203.0.113.7"},` + object + `,"identity":[` +
				document(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}`) + `]`,
			`add a statement that allows s3:GetObject; statement 0 allows it under IpAddress aws:SourceIp "198.51.100.0/24" alone`,
		},
		{
			"nothing less in NotAction on more than the resource", object + `,"identity":[` + document(`{"Effect":"Allow","NotAction":["s3:GetObject","iam:*"],"Resource":"*"}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"no action more on everything", object + `,"identity":[` + document(`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"no resource more for everything", object + `,"identity":[` + document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a/*"}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{"no policy at all", object, `attach a policy that allows s3:GetObject`},
		{"the session too", object + `,"identity":[` + document(sqs) + `],"session":` + document(sqs), `add a statement that allows s3:GetObject; add a statement that allows s3:GetObject`},
		{
			"an external id of other case", `"context":{"sts:ExternalId":"X-42"},` + worker + `,"resource_policy":` + trust("arn:aws:iam::111111111111:role/worker", `"StringEquals":{"sts:ExternalId":"x-42"}`),
			`ask with sts:ExternalId x-42`,
		},
		{
			"a forgotten external id", worker + `,"resource_policy":` + trust("arn:aws:iam::111111111111:role/worker", `"StringEquals":{"sts:ExternalId":"x-42"}`),
			`ask with sts:ExternalId x-42`,
		},
		{
			"another external id, and another principal", `"context":{"sts:ExternalId":"evil"},` + worker + `,"resource_policy":` + trust(production, `"StringEquals":{"sts:ExternalId":"x-42"}`),
			`ask with sts:ExternalId <external id>, one that is the caller's alone; add a statement that allows sts:AssumeRole`,
		},
		{
			"no external id, and another principal", worker + `,"resource_policy":` + trust(production, `"StringEquals":{"sts:ExternalId":"x-42"}`),
			`ask with sts:ExternalId <external id>, one that is the caller's alone; add a statement that allows sts:AssumeRole`,
		},
		{
			"an external id that a Deny wants", `"context":{"sts:ExternalId":"evil"},` + worker + `,"resource_policy":` + document(
				`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},"Action":"sts:AssumeRole"}`,
				`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"sts:ExternalId":"x-42"}}}`),
			`ask with sts:ExternalId x-42`,
		},
		{
			"a principal more", `"context":{"sts:ExternalId":"x-42"},` + worker + `,"resource_policy":` + trust(production, `"StringEquals":{"sts:ExternalId":"x-42"}`),
			`ask with sts:ExternalId <external id>, one that is the caller's alone; add a statement that allows sts:AssumeRole`,
		},
		{
			"a level of the organization", object + `,"identity":[` + document(reading) + `],"scp":[[` + document(`{"Effect":"Allow","Action":"*","Resource":"*"}`) + `],[` + document(sqs) + `],[` + document(sqs) + `]]`,
			`add a statement that allows s3:GetObject; add a statement that allows s3:GetObject`,
		},
		{
			"tls", `"context":{"aws:SecureTransport":"false"},` + object + `,"identity":[` + document(reading) + `],"resource_policy":` +
				document(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`),
			`ask with aws:SecureTransport true`,
		},
		{
			"an address more", `"context":{"aws:SourceIp":"203.0.113.7"},` + object + `,"identity":[` + document(reading) + `],"resource_policy":` +
				document(`{"Sid":"Net","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}`),
			`add "203.0.113.7" to aws:SourceIp under NotIpAddress of the statement Net, for everyone whom it denies`,
		},
		{
			"one principal excepted", object + `,"identity":[` + document(reading) + `],"resource_policy":` +
				document(`{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`),
			`except arn:aws:iam::111111111111:role/media from the statement No by a condition`,
		},
		{
			"one object excepted", object + `,"identity":[` + document(reading, `{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"*"}`) + `]`,
			`except arn:aws:s3:::b/k from the statement No: NotResource in the place of Resource`,
		},
		{
			"one value out of a Deny", object + `,"identity":[` + document(reading, `{"Effect":"Deny","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}`) + `]`,
			`take "s3:GetObject" out of Action of statement 1`,
		},
		{
			"a Deny away, and what is missing", object + `,"identity":[` + document(`{"Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}`) + `]`,
			`except arn:aws:iam::111111111111:role/media from statement 0 by a condition; add a statement that allows s3:GetObject`,
		},
		{
			"one action out of a Deny of a whole bucket", object + `,"identity":[` + document(reading, `{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`) + `]`,
			`except s3:GetObject from statement 1: NotAction in the place of Action`,
		},
		{
			"a Deny away, with a warning", object + `,"identity":[` + document(reading) + `],"session":` + document(reading, `{"Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}`),
			`remove statement 1, which opens whatever else it denies too`,
		},
		{
			"a Deny of just the request away", object + `,"identity":[` + document(reading) + `],"session":` + document(reading, `{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k"}`),
			`remove statement 1`,
		},
		{
			"a revoked session", `"context":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"},` + object + `,"identity":[` +
				document(reading, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-02-01T00:00:00Z"}}}`) + `]`,
			`assume the role again`,
		},
		{
			"a key that the action does not have", object + `,"identity":[` + document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"sts:ExternalId":"x","s3:x-amz-acl":"private"}}}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"a header that the action has not", object + `,"identity":[` + document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}}`) + `]`,
			`add a statement that allows s3:GetObject`,
		},
		{
			"a key policy that is not given", `"principal":"arn:aws:iam::111111111111:role/media","action":"kms:Decrypt","resource":"arn:aws:kms:eu-west-1:111111111111:key/1","account":"111111111111","identity":[` +
				document(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`) + `]`,
			`add to what is in the key policy, which is not given here, a statement that allows kms:Decrypt`,
		},
		{
			"a resource more excepted", object + `,"identity":[` + document(reading) + `],"session":` + document(reading, `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::a/*"}`),
			`add "arn:aws:s3:::b/k" to NotResource of statement 1`,
		},
		{"denied by a statement less", object + `,"identity":[` + document(reading, strings.ReplaceAll(reading, "Get", "Put")) + `]`, `remove statement 0`},
		{"no document left empty", object + `,"identity":[` + document(reading) + `]`, `add a statement that denies s3:GetObject`},
		{"denied by a Deny more", object + `,"identity":[` + document(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`) + `]`, `add a statement that denies s3:GetObject`},
		{
			"an anonymous reader", `"principal":"*","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","account":"111111111111"`,
			`attach a policy that allows s3:GetObject, for everyone: S3's Block Public Access refuses such a policy unless it is switched off`,
		},
		{
			"everyone denied", `"principal":"*","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","account":"111111111111","resource_policy":` +
				document(strings.Replace(reading, "{", `{"Principal":"*",`, 1), `{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k"}`),
			`remove statement 1, for everyone whom it denies, for everyone: S3's Block Public Access refuses such a policy unless it is switched off`,
		},
		{
			"a service", `"principal":"delivery.logs.amazonaws.com","action":"s3:PutObject","resource":"arn:aws:s3:::b/k","account":"111111111111","resource_policy":` + document(strings.Replace(sqs, `{`, `{"Principal":"*",`, 1)),
			`add a statement that allows s3:PutObject; it lets in delivery.logs.amazonaws.com on behalf of every account: name under StringEquals aws:SourceAccount for whom it is to come`,
		},
		{
			"an external id that the organization wants", `"principal":"arn:aws:iam::111111111111:user/u","action":"sts:AssumeRole","resource":"arn:aws:iam::111111111111:role/r",` +
				`"account":"111111111111","context":{"sts:ExternalId":"x"},"scp":[[` + document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"sts:ExternalId":"u"}}}`) + `]]`,
			`ask with sts:ExternalId u; attach a policy that allows sts:AssumeRole`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in, policies := read(t, "{"+c.line+"}")
			change, ok := explain.Smallest(in, policies)
			var texts []string
			for _, e := range change.Edits {
				texts = append(texts, e.Text)
			}
			if got := strings.Join(texts, "; "); !ok || got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			turned(t, change, in, policies)
		})
	}
}

// turned asks that a change does what it says, and each of its edits is needed.
func turned(t rapid.TB, change explain.Change, in policy.Request, policies policy.Policies) {
	t.Helper()
	before := policy.Evaluate(in, policies).Decision == policy.Allowed
	after := policy.Evaluate(apply(t, change, in, policies))
	if after.Decision != change.Decision || before == (after.Decision == policy.Allowed) {
		t.Fatalf("the change gives %+v: %+v", after, change)
	}
	for _, e := range change.Edits {
		if e.Document != nil {
			if err := e.Document.Fit(e.Policy); err != nil {
				t.Errorf("AWS would not store what the change makes: %v\n%s", err, e.Document.JSON())
			}
		}
	}
	for _, left := range change.Edits {
		less := explain.Change{}
		for _, e := range change.Edits {
			if e.Policy != left.Policy || e.Index != left.Index || e.Pointer != left.Pointer && e.Policy == "" {
				less.Edits = append(less.Edits, e)
			}
		}
		if got := policy.Evaluate(apply(t, less, in, policies)).Decision; got == policy.Allowed != before {
			t.Errorf("the decision turns without %q of %+v", left.Text, change)
		}
	}
}

func TestNothingTurnsWhatAWSAlwaysAllows(t *testing.T) {
	t.Parallel()
	if c, ok := explain.Smallest(policy.Request{Principal: "arn:aws:iam::111111111111:user/u", Action: "sts:GetCallerIdentity", Resource: "*"}, policy.Policies{}); ok {
		t.Errorf("%+v", c)
	}
}

// What is added allows the request and nothing else, whatever the key.
func TestSmallestGrantsNoMore(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"*", "in/*", "a?c", "${aws:username}", "$", "${*}"} {
		in, policies := read(t, "{"+object+`,"identity":[`+document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/k"}`)+`]}`)
		in.Resource = "arn:aws:s3:::b/" + key
		for _, given := range []policy.Policies{{}, policies} {
			change, ok := explain.Smallest(in, given)
			if !ok {
				t.Errorf("%s: nothing found", key)
				continue
			}
			turned(t, change, in, given)
			for _, other := range []string{"x", "in/x", "abc", "secret", "${}"} {
				asked := in
				asked.Resource, asked.Context = "arn:aws:s3:::b/"+other, map[string][]string{"aws:username": {"x"}}
				if asked, p := apply(t, change, asked, given); policy.Evaluate(asked, p).Decision == policy.Allowed {
					t.Errorf("%s: %s is allowed too: %+v", key, other, change)
				}
			}
		}
	}
}

// No change lets the caller's own external id into a trust policy.
func TestSmallestKeepsTheExternalID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, policies := drawWorld(t)
		in.Action = "sts:AssumeRole"
		in.Context["sts:ExternalId"] = []string{"evil"}
		policies.Resource = parse(t, document(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/r"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x-42"}}}`))
		trust := policies.Resource
		for _, policies.Resource = range []*policy.Document{trust, parse(t, document(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)), nil} {
			change, _ := explain.Smallest(in, policies)
			for _, e := range change.Edits {
				if e.Policy == policy.ResourcePolicy && strings.Contains(string(e.Document.JSON()), "evil") {
					t.Fatalf("%s", e.Document.JSON())
				}
			}
		}
	})
}

// Whatever the policies, a change is found, and it works.
func TestSmallestTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, policies := drawWorld(t)
		change, ok := explain.Smallest(in, policies)
		named := strings.Contains(line(in, policies), "ExternalId")
		if !ok && in.Action == "sts:AssumeRole" && named {
			return // none can be found where the ids that are wanted are not named
		}
		if policy.Evaluate(in, policies).Refused != "" {
			if ok {
				t.Fatalf("%+v is to turn what no policy can allow, of %+v", change, line(in, policies))
			}
			return
		}
		if !ok {
			t.Fatalf("nothing found for %+v", line(in, policies))
		}
		turned(t, change, in, policies)
	})
}

// Large policies do not make the search long.
func TestSmallestIsBounded(t *testing.T) {
	t.Parallel()
	many := func(statement string) string {
		return document(strings.TrimSuffix(strings.Repeat(statement+",", 2000), ","))
	}
	near := many(`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"b"}}}`)
	deny := many(`{"Effect":"Deny","Action":"*","Resource":"*"}`)
	for _, identity := range []string{near, deny, many(reading)} {
		in, policies := read(t, "{"+object+`,"identity":[`+identity+`]}`)
		trust := many(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:role/other","arn:aws:iam::111111111111:role/media"]},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":["a*","b"]}}}`)
		role := policy.Request{Principal: in.Principal, Action: "sts:AssumeRole", Resource: "arn:aws:iam::222222222222:role/r", Account: "222222222222", Context: map[string][]string{"sts:ExternalId": {"evil"}}}
		begun := time.Now()
		explain.Smallest(role, policy.Policies{Identity: policies.Identity, Resource: parse(t, trust)})
		explain.Tree(in, policies)
		explain.Smallest(in, policies)
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
	}
}
