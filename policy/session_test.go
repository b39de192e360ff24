package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

const (
	scopeAccount    = "111122223333"
	bucketAccount   = "222233334444"
	scopeRole       = "arn:aws:iam::111122223333:role/media"
	scopeSession    = "arn:aws:sts::111122223333:assumed-role/media/acme.1"
	scopeBucket     = "acme-masters"
	scopeRegion     = "eu-central-1"
	scopeViaS3      = "s3.eu-central-1.amazonaws.com"
	scopeOtherKey   = "arn:aws:kms:eu-central-1:111122223333:key/9999aaaa-22bb-33cc-44dd-5555eeee6666"
	allowEverything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// object actions and the operation that brings each; none for those that no
// session is allowed.
var objectActions = map[string]policy.Operation{
	"s3:GetObject": policy.Read, "s3:PutObject": policy.Write, "s3:AbortMultipartUpload": policy.Write,
	"s3:ListMultipartUploadParts": policy.Write, "s3:PutObjectTagging": policy.Tag, "s3:PutObjectAcl": policy.ACL,
	"s3:GetObjectVersion": policy.ReadVersion, "s3:DeleteObject": policy.Delete,
	"s3:GetObjectTagging": policy.ReadTags, "s3:DeleteObjectVersion": "", "s3:PutObjectRetention": "", "s3:GetObjectAcl": "",
}

var kmsActions = map[string][]policy.Operation{
	"kms:Decrypt": {policy.Read, policy.ReadVersion, policy.Write}, "kms:GenerateDataKey": {policy.Write}, "kms:Encrypt": nil, "kms:CreateGrant": nil,
}

// keyText draws keys and prefixes with all that means something in policies.
func keyText() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune(`ab/*?${}"\é世😀 .-`)), 1, 12, -1)
}

func drawScope(t *rapid.T) policy.Scope {
	s := policy.Scope{Region: scopeRegion, Bucket: scopeBucket}
	all := []policy.Operation{
		policy.Read, policy.List, policy.Write, policy.Tag, policy.ACL, policy.ReadVersion, policy.Delete, policy.ReadTags, policy.Sweep,
	}
	s.Operations = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID).Draw(t, "operations")
	s.Prefixes = rapid.SliceOfN(rapid.Map(keyText(), func(k string) string { return k + "/" }), 0, 2).Draw(t, "prefixes")
	s.Objects = rapid.SliceOfN(keyText(), 0, 2).Draw(t, "objects")
	if len(s.Prefixes)+len(s.Objects) == 0 || rapid.IntRange(0, 9).Draw(t, "whole bucket") == 0 {
		s.Prefixes = append(s.Prefixes, "")
	}
	s.KMSKey = rapid.SampledFrom([]string{"", policy.AnyKey, exampleKey}).Draw(t, "key")
	return s
}

func covers(s policy.Scope, key string) bool {
	return slices.Contains(s.Objects, key) || slices.ContainsFunc(s.Prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// nearKey draws a key in, near or out of the scope.
func nearKey(t *rapid.T, s policy.Scope) string {
	k := keyText().Draw(t, "some key")
	for _, p := range slices.Concat(s.Prefixes, s.Objects) {
		if rapid.Bool().Draw(t, "near") {
			return rapid.SampledFrom([]string{
				p, p + k, strings.TrimSuffix(p, "/"), strings.TrimSuffix(p, "/") + k, k + p,
				strings.ReplaceAll(p, "*", k) + "a", strings.ReplaceAll(p, "?", "b"), strings.ReplaceAll(p, "$", ""),
			}).Draw(t, "key")
		}
	}
	return k
}

func parse(t interface{ Fatalf(string, ...any) }, text string) *policy.Document {
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// surroundings are the policies around a session that allow as much as can
// be: the role everything, and bucket and key policies that name nobody, the
// account, the session itself, or everyone. Whatever then holds the session
// back is its policy.
func surroundings(t *rapid.T, sessionPolicy []byte) (policy.Policies, string) {
	p := policy.Policies{Identity: []*policy.Document{parse(t, allowEverything)}, Session: parse(t, string(sessionPolicy))}
	owner := rapid.SampledFrom([]string{scopeAccount, bucketAccount}).Draw(t, "owner")
	grantees := []string{`{"AWS":"` + scopeRole + `"}`, `{"AWS":"` + scopeSession + `"}`, `{"AWS":"arn:aws:iam::111122223333:root"}`, `"*"`}
	who := rapid.SampledFrom(grantees).Draw(t, "resource policy names")
	p.Resource = parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":`+who+`,"Action":"*","Resource":"*"}}`)
	return p, owner
}

// tooLong reports whether STS would not take the policy for its length.
func tooLong(err error) bool {
	return rolecall.CodeOf(err) == rolecall.Invalid && strings.Contains(err.Error(), fmt.Sprintf("STS takes %d", policy.MaxSessionPolicy))
}

func TestSessionAllowsExactlyItsScope(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScope(t)
		text, err := policy.Session(s)
		if tooLong(err) {
			t.Skip("a scope that no session policy has room for")
		}
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		policies, owner := surroundings(t, text)
		has := func(op policy.Operation) bool { return slices.Contains(s.Operations, op) }
		key := nearKey(t, s)
		bucket := rapid.SampledFrom([]string{scopeBucket, scopeBucket, scopeBucket + "-2", "other"}).Draw(t, "bucket")
		request := policy.Request{Principal: scopeSession, Account: owner, Context: map[string][]string{}}
		var want bool
		switch rapid.SampledFrom([]string{"object", "list", "uploads", "kms", "other"}).Draw(t, "request") {
		case "object":
			request.Action = rapid.SampledFrom(sorted(objectActions)).Draw(t, "action")
			request.Resource = "arn:aws:s3:::" + bucket + "/" + key
			want = has(objectActions[request.Action]) && bucket == scopeBucket && covers(s, key)
		case "list":
			request.Action, request.Resource = "s3:ListBucket", "arn:aws:s3:::"+bucket
			want = has(policy.List) && bucket == scopeBucket
			if rapid.Bool().Draw(t, "with prefix") {
				request.Context["s3:prefix"] = []string{key}
				want = want && covers(s, key)
			} else {
				want = want && slices.Contains(s.Prefixes, "")
			}
		case "uploads":
			request.Action, request.Resource = "s3:ListBucketMultipartUploads", "arn:aws:s3:::"+bucket
			want = has(policy.Sweep) && bucket == scopeBucket
		case "kms":
			request.Action = rapid.SampledFrom(sorted(kmsActions)).Draw(t, "action")
			request.Resource = rapid.SampledFrom([]string{exampleKey, scopeOtherKey}).Draw(t, "kms key")
			via := rapid.SampledFrom([]string{scopeViaS3, "s3.us-east-1.amazonaws.com", "ec2.eu-central-1.amazonaws.com", ""}).Draw(t, "via")
			object := rapid.SampledFrom([]string{"arn:aws:s3:::" + bucket + "/" + key, "arn:aws:s3:::" + bucket, ""}).Draw(t, "encryption context")
			if via != "" {
				request.Context["kms:ViaService"] = []string{via}
			}
			if object != "" {
				request.Context["kms:EncryptionContext:aws:s3:arn"] = []string{object}
			}
			want = slices.ContainsFunc(kmsActions[request.Action], has) && s.KMSKey != "" && (s.KMSKey == policy.AnyKey || s.KMSKey == request.Resource) &&
				via == scopeViaS3 && bucket == scopeBucket && object != "" && (object == "arn:aws:s3:::"+bucket || covers(s, key))
		default:
			request.Action = rapid.SampledFrom([]string{"s3:DeleteBucket", "s3:PutBucketPolicy", "sts:AssumeRole", "iam:CreateUser", "s3:ListAllMyBuckets"}).Draw(t, "action")
			request.Resource = rapid.SampledFrom([]string{"*", "arn:aws:s3:::" + bucket, scopeRole}).Draw(t, "resource")
		}
		if got := policy.Evaluate(request, policies); (got.Decision == policy.Allowed) != want {
			t.Fatalf("%+v of %s\nis %s, want allowed: %v\nscope %+v\n%s\nresource policy %s", request, owner, got.Decision, want, s, text, policies.Resource.JSON())
		}
	})
}

// A session of two scopes may do to each object what one of them allows, even
// where one's objects are the other's too.
func TestSessionOfTwoScopes(t *testing.T) {
	t.Parallel()
	operations := []policy.Operation{policy.Read, policy.Write, policy.Tag, policy.ACL, policy.ReadVersion, policy.Delete, policy.ReadTags}
	rapid.Check(t, func(t *rapid.T) {
		var scopes []policy.Scope
		for range 2 {
			s := drawScope(t)
			s.Bucket = rapid.SampledFrom([]string{scopeBucket, "other"}).Draw(t, "bucket")
			s.Operations = rapid.SliceOfNDistinct(rapid.SampledFrom(operations), 1, 3, rapid.ID).Draw(t, "operations")
			s.KMSKey = ""
			scopes = append(scopes, s)
		}
		text, err := policy.Session(scopes...)
		if tooLong(err) {
			t.Skip("scopes that no session policy has room for")
		}
		if err != nil {
			t.Fatalf("%+v: %v", scopes, err)
		}
		policies, owner := surroundings(t, text)
		bucket, key := rapid.SampledFrom([]string{scopeBucket, "other", "third"}).Draw(t, "asked bucket"), nearKey(t, scopes[rapid.IntRange(0, 1).Draw(t, "near")])
		request := policy.Request{
			Principal: scopeSession, Account: owner, Action: rapid.SampledFrom(sorted(objectActions)).Draw(t, "action"), Resource: "arn:aws:s3:::" + bucket + "/" + key,
		}
		want := slices.ContainsFunc(scopes, func(s policy.Scope) bool {
			return s.Bucket == bucket && covers(s, key) && slices.Contains(s.Operations, objectActions[request.Action])
		})
		if got := policy.Evaluate(request, policies); (got.Decision == policy.Allowed) != want {
			t.Fatalf("%+v\nis %s, want allowed: %v\nscopes %+v\n%s", request, got.Decision, want, scopes, text)
		}
	})
	both := policy.Scope{Region: scopeRegion, Bucket: scopeBucket, Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Read}, KMSKey: policy.AnyKey}
	to := policy.Scope{Region: "us-east-1", Bucket: "other", Prefixes: []string{"out/"}, Operations: []policy.Operation{policy.Write, policy.Tag}, KMSKey: policy.AnyKey}
	text, err := policy.Session(both, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		action, via, object string
		want                policy.Decision
	}{
		{"kms:Decrypt", scopeRegion, scopeBucket + "/in/a", policy.Allowed},
		{"kms:GenerateDataKey", "us-east-1", "other/out/a", policy.Allowed},
		{"kms:GenerateDataKey", scopeRegion, scopeBucket + "/in/a", policy.ExplicitlyDenied},
		{"kms:Decrypt", scopeRegion, scopeBucket + "/elsewhere", policy.ExplicitlyDenied},
		{"kms:Decrypt", "eu-west-1", scopeBucket + "/in/a", policy.ExplicitlyDenied},
	} {
		region := c.via
		got := policy.Evaluate(policy.Request{
			Principal: scopeSession, Account: scopeAccount, Action: c.action, Resource: "arn:aws:kms:" + region + ":111122223333:key/k",
			Context: map[string][]string{"kms:ViaService": {"s3." + region + ".amazonaws.com"}, "kms:EncryptionContext:aws:s3:arn": {"arn:aws:s3:::" + c.object}},
		}, policy.Policies{
			Identity: []*policy.Document{parse(t, allowEverything)}, Session: parse(t, string(text)),
			Resource: parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+scopeSession+`"},"Action":"*","Resource":"*"}}`),
		})
		if got.Decision != c.want {
			t.Errorf("%+v: %s", c, got.Decision)
		}
	}
	to.KMSKey = ""
	if text, err = policy.Session(to, both); err != nil || strings.Contains(string(text), `""`) {
		t.Errorf("a scope without a key: %s, %v", text, err)
	}
	both.Operations = append(both.Operations, policy.List)
	if _, err := policy.Session(); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("of no scope: %v", err)
	}
	if _, err := policy.Session(both, to); err == nil {
		t.Error("a session of two scopes lists")
	}
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// A scope too long for the conditioned form decides as its short form would.
func TestLongSessionHoldsToo(t *testing.T) {
	t.Parallel()
	prefix := strings.Repeat("long-name/", 17)
	text, err := policy.Session(policy.Scope{
		Region: scopeRegion, Bucket: scopeBucket, Prefixes: []string{prefix},
		Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		request policy.Request
		want    policy.Decision
	}{
		"object inside":  {policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + scopeBucket + "/" + prefix + "a"}, policy.Allowed},
		"object outside": {policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + scopeBucket + "/a"}, policy.ExplicitlyDenied},
		"list inside": {policy.Request{
			Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + scopeBucket,
			Context: map[string][]string{"s3:prefix": {prefix + "a/"}},
		}, policy.Allowed},
		"list outside": {policy.Request{
			Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + scopeBucket,
			Context: map[string][]string{"s3:prefix": {"a/"}},
		}, policy.ExplicitlyDenied},
		"list without prefix": {policy.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + scopeBucket}, policy.ExplicitlyDenied},
		"key inside": {policy.Request{Action: "kms:Decrypt", Resource: exampleKey, Context: map[string][]string{
			"kms:ViaService":                   {scopeViaS3},
			"kms:EncryptionContext:aws:s3:arn": {"arn:aws:s3:::" + scopeBucket + "/" + prefix + "a"},
		}}, policy.Allowed},
		"key outside": {policy.Request{Action: "kms:Decrypt", Resource: exampleKey, Context: map[string][]string{
			"kms:ViaService":                   {scopeViaS3},
			"kms:EncryptionContext:aws:s3:arn": {"arn:aws:s3:::" + scopeBucket + "/a"},
		}}, policy.ExplicitlyDenied},
		"key not through S3": {policy.Request{Action: "kms:Decrypt", Resource: exampleKey}, policy.ExplicitlyDenied},
	} {
		c.request.Principal, c.request.Account = scopeSession, scopeAccount
		everyone := parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
		got := policy.Evaluate(c.request, policy.Policies{Identity: []*policy.Document{parse(t, allowEverything)}, Session: parse(t, string(text)), Resource: everyone})
		if got.Decision != c.want {
			t.Errorf("%s: %s, want %s", name, got.Decision, c.want)
		}
	}
}

// The permissions of a connection cover the sessions that its steps ask for.
func TestPermissionsCoverSessions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prefix := "p" + keyText().Draw(t, "prefix") + "/"
		kit, err := policy.Generate(globex(func(r *policy.KitRequest) { r.Connection.Bucket, r.Connection.Prefix = scopeBucket, prefix }))
		if err != nil {
			t.Fatal(err)
		}
		session, err := policy.Session(policy.Scope{
			Region: scopeRegion, Bucket: scopeBucket, Prefixes: []string{prefix},
			Operations: []policy.Operation{policy.Read, policy.List, policy.Write}, KMSKey: policy.AnyKey,
		})
		if err != nil {
			t.Fatal(err)
		}
		policies := policy.Policies{Identity: []*policy.Document{kit.Permissions}, Session: parse(t, string(session))}
		key := nearKey(t, policy.Scope{Prefixes: []string{prefix}})
		for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
			got := policy.Evaluate(policy.Request{Principal: scopeSession, Account: scopeAccount, Action: action, Resource: "arn:aws:s3:::" + scopeBucket + "/" + key}, policies)
			if want := strings.HasPrefix(key, prefix); (got.Decision == policy.Allowed) != want {
				t.Fatalf("%s on %q is %s", action, key, got.Decision)
			}
		}
		got := policy.Evaluate(policy.Request{
			Principal: scopeSession, Account: scopeAccount, Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + scopeBucket,
			Context: map[string][]string{"s3:prefix": {prefix}},
		}, policies)
		if got.Decision != policy.Allowed {
			t.Fatalf("listing is %s", got.Decision)
		}
	})
}

// A trust policy that the builder writes lets in the principals with the
// external id, and no one else.
func TestTrustLetsInOnlyItsOwn(t *testing.T) {
	t.Parallel()
	for _, form := range []policy.TrustForm{policy.ByPrincipal, policy.ByAccount} {
		text, err := policy.Trust{Principals: []string{worker}, ExternalIDs: []string{"x-42"}, Form: form}.Policy()
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			principal string
			ids       []string
			want      bool
		}{
			"right":         {worker, []string{"x-42"}, true},
			"absent":        {worker, nil, false},
			"other":         {worker, []string{"x-43"}, false},
			"case":          {worker, []string{"X-42"}, false},
			"another role":  {worker + "2", []string{"x-42"}, false},
			"other account": {"arn:aws:iam::999999999999:role/VTKWorker", []string{"x-42"}, false},
			"session":       {"arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1", []string{"x-42"}, true},
		} {
			request := policy.Request{Principal: c.principal, Account: scopeAccount, Action: "sts:AssumeRole", Resource: scopeRole, Context: map[string][]string{}}
			if c.ids != nil {
				request.Context["sts:ExternalId"] = c.ids
			}
			got := policy.Evaluate(request, policy.Policies{Identity: []*policy.Document{parse(t, allowEverything)}, Resource: parse(t, string(text))})
			if (got.Decision == policy.Allowed) != c.want {
				t.Errorf("%s, %s: %s", form, name, got.Decision)
			}
		}
	}
}
