package explain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

const caller = "User: arn:aws:sts::111122223333:assumed-role/media/acme.job"

func TestMessage(t *testing.T) {
	t.Parallel()
	all := map[string]explain.Explanation{}
	for name, text := range map[string]string{
		"identity":         caller + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme/in/a.mov" because no identity-based policy allows the s3:GetObject action`,
		"session":          caller + ` is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme/out/a.mov" because no session policy allows the s3:PutObject action`,
		"bucket denies":    caller + ` is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme/out/a.mov" with an explicit deny in a resource-based policy`,
		"some deny":        caller + ` is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme/out/a.mov" with an explicit deny`,
		"trust":            "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::999988887777:user/worker is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/media",
		"key":              caller + " is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:111122223333:key/0 because no resource-based policy allows the kms:GenerateDataKey action",
		"key abroad":       caller + " is not authorized to perform: kms:Decrypt on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
		"organization":     caller + ` is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::acme" with an explicit deny in a service control policy: arn:aws:organizations::555555555555:policy/o-1/service_control_policy/p-1`,
		"bare by botocore": "upload failed: ./a.mov to s3://acme/out/a.mov An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
		"bare by Go":       "operation error S3: HeadObject, https response error StatusCode: 403, RequestID: 1, HostID: 2, api error Forbidden: Forbidden",
		"ciphertext":       caller + " is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
		"old ciphertext":   "An error occurred (AccessDeniedException) when calling the GetObject operation: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
		"encoded":          "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm",
		"permission set":   `User: arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_abc/bob is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" because no resource-based policy allows the s3:GetObject action`,
		"trusted set":      `User: arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_abc/bob is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/media because no resource-based policy allows the sts:AssumeRole action`,
		"decoded":          `{"DecodedMessage":"{\"allowed\":false,\"explicitDeny\":false,\"matchedStatements\":{\"items\":[]},\"context\":{\"principal\":{\"id\":\"AIDA\",\"arn\":\"arn:aws:iam::111122223333:user/bob\"},\"action\":\"s3:GetObject\",\"resource\":\"arn:aws:s3:::acme/k\"}}"}`,
		"public policy":    caller + ` is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::acme" because public policies are blocked by the BlockPublicPolicy block public access setting.`,
		"public ACL":       caller + ` is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme/k" because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting`,
		"web identity":     "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity",
		"star in the key":  caller + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme/in/*?${aws:username}" because no identity-based policy allows the s3:GetObject action`,
		"broken":           "User:\n  arn:aws:iam::999988887777:user/worker is not\n  authorized to perform: sts:AssumeRole on resource:\n  arn:aws:iam::111122223333:role/media",
		"bare":             "Access Denied",
		"expired":          "An error occurred (ExpiredToken) when calling the GetObject operation: The provided token has expired.",
	} {
		e, err := explain.Message(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all[name] = e
	}
	golden(t, "messages.json", all)
}

// Whatever a message comes in, it is the same message.
func TestMessageInItsWrapping(t *testing.T) {
	t.Parallel()
	plain := caller + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme/a&b.mov" because no session policy allows the s3:GetObject action`
	want, err := explain.Message(plain)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(map[string]string{"message": plain, "code": "AccessDenied"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code><Message>" + html.EscapeString(plain) + "</Message><RequestId>1</RequestId></Error>",
		strings.ReplaceAll(strings.ReplaceAll(plain, "&", "&amp;"), `"`, "&quot;"),
		strings.ReplaceAll(string(quoted), `\u0026`, "&"),
		`error: "` + plain + `", then "something" with an explicit deny in a service control policy`,
		strings.ReplaceAll(plain, "because no session", "because no\n  session"),
	} {
		got, err := explain.Message(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want.Denial, got.Denial); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
}

// Of two refusals the first is explained, and nothing of the second is in it.
func TestMessageOfTwo(t *testing.T) {
	t.Parallel()
	first := caller + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme/a" because no identity-based policy allows the s3:GetObject action`
	second := `User: arn:aws:iam::999988887777:user/eve is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::other/b" with an explicit deny in a resource-based policy`
	bare := `User: arn:aws:iam::999988887777:user/eve is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/media`
	for _, texts := range [][2]string{{first, second}, {second, first}, {bare, first}, {bare, second}} {
		for _, between := range []string{"\n", " ", ". ", `", "`} {
			want, err := explain.Message(texts[0])
			if err != nil {
				t.Fatal(err)
			}
			got, err := explain.Message(texts[0] + between + texts[1])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Candidates, got.Candidates, cmp.Comparer(func(a, b *policy.Document) bool {
				return a == b || a != nil && b != nil && string(a.JSON()) == string(b.JSON())
			})); diff != "" || got.Denial != want.Denial {
				t.Errorf("%q: %+v\n%s", between, got.Denial, diff)
			}
			if !strings.HasSuffix(got.Summary, "give each by itself") {
				t.Errorf("%s", got.Summary)
			}
		}
	}
}

func TestMessageWithoutARefusal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "all is well", "NoSuchThing", strings.Repeat("x", 1<<17)} {
		if e, err := explain.Message(text); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%.20q: %+v, %v", text, e, err)
		}
	}
}

// sound asks that what an explanation adds can be attached where it says, and
// allows what was refused.
func sound(t testing.TB, e explain.Explanation) {
	t.Helper()
	if e.Summary == "" || len(e.Candidates) == 0 {
		t.Errorf("says nothing: %+v", e)
	}
	for _, c := range e.Candidates {
		if c.Message == "" || c.Hint == "" {
			t.Errorf("%+v", c)
		}
		layers := map[policy.DenialLayer]policy.Layer{
			policy.DeniedByIdentity: policy.Identity, policy.DeniedByResource: policy.ResourcePolicy, policy.DeniedBySession: policy.SessionPolicy,
			policy.DeniedByBoundary: policy.Boundary, policy.DeniedBySCP: policy.SCP,
		}
		layer, known := layers[c.Layer]
		if c.Add == nil || !known {
			continue
		}
		if err := c.Add.Fit(layer); err != nil {
			t.Errorf("%s: %v", c.Add.JSON(), err)
		}
		in := policy.Request{
			Principal: e.Principal, Action: e.Action, Resource: e.Resource, Account: c.Account,
			Context: map[string][]string{"sts:ExternalId": {"<external id>"}},
		}
		if name, found := strings.CutPrefix(e.Principal, "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_"); found { // where its path is known
			name, _, _ = strings.Cut(name, "/")
			in.Context["aws:PrincipalArn"] = []string{"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_" + name}
		}
		p := policy.Policies{Identity: []*policy.Document{c.Add}}
		if layer == policy.ResourcePolicy {
			p.Resource = c.Add
		}
		for _, v := range policy.Trace(in, p) {
			if v.Policy == layer && len(v.Unmet) > 0 {
				t.Errorf("%s does not allow what was refused: %+v", c.Add.JSON(), v.Unmet)
			}
		}
	}
}

func TestMessageReadsAllDenials(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/denials.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var c struct{ Message string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		e, err := explain.Message(c.Message)
		if err != nil {
			t.Errorf("%s: %v", c.Message, err)
			continue
		}
		if d, _ := policy.ReadDenial(c.Message); d.Action != "" {
			if diff := cmp.Diff(d, e.Denial); diff != "" {
				t.Error(diff)
			}
		}
		sound(t, e)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(caller + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme/in/a.mov" because no identity-based policy allows the s3:GetObject action`)
	f.Add("fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden s3://acme/k")
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := explain.Message(text); err == nil {
			sound(t, e)
		}
	})
}

// FuzzSmallest reads any world: nothing that Parse takes may break the reading
// again, and no change may be false.
func FuzzSmallest(f *testing.F) {
	f.Add([]byte(assume))
	f.Fuzz(func(t *testing.T, line []byte) {
		in, policies, err := policy.ReadRequest(line)
		if err != nil {
			return
		}
		explain.Tree(in, policies)
		if change, ok := explain.Smallest(in, policies); ok {
			turned(t, change, in, policies)
		}
	})
}
