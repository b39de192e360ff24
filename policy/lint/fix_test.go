package lint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// vocabulary is what documents of the property test are made of, and what
// requests to compare them by ask.
var (
	someActions = []string{
		"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:HeadBucket", "s3:ListObjects", "s3:DeleteObject", "s3:PutObjectAcl", "s3:*", "*", "s3:Get*",
		"s3:ListBucketMultipartUpload", "s3:AbortMultipartUpload", "GetObject", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:*", "sts:AssumeRole", "sts:*",
		"s3:GetObject ", "s3:getobject", "s3:PutObjectTagging", "s3:CopyObject",
	}
	someResources = []string{
		"*", "arn:aws:s3:::acme-masters", "arn:aws:s3:::acme-masters/*", "arn:aws:s3:::acme-masters/in/*", "arn:aws:s3:::acme-masters*", "arn:aws:s3:::*",
		"arn:aws:s3::acme-masters", "s3://acme-masters/in/", "arn:aws:s3:eu-central-1:111122223333:acme-masters", "arn:aws:iam::111122223333:role/media", "arn:aws:iam::*:role/*",
		"arn:aws:s3::111122223333/media", "arn:aws:kms:eu-central-1:111122223333:key/k", "arn:aws:kms:eu-central-1:111122223333:alias/a", "arn:aws-cn:s3:::acme-masters/*",
		"arn:aws:s3:::BUCKET-NAME/*",
	}
	someConditions = []string{
		``, ``, `{}`, `{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}`, `{"StringEqualsIfExists":{"sts:ExternalId":"` + goodID + `"}}`,
		`{"StringEquals":{"sts:ExternalId":"acme"}}`, `{"StringLike":{"sts:ExternalId":"*"}}`, `{"StringLike":{"s3:prefix":"in/*"}}`, `{"StringEquals":{"s3:prefix":["in/*","x"]}}`,
		`{"StringLike":{"aws:PrincipalArn":"*"}}`, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, `{"StringNotLike":{"s3:prefix":"in/*"}}`,
		`{"StringEquals":{"s3:Prefix":"in/","aws:PrincipalArn":"` + production + `"}}`, `{"stringlike":{"s3:prefix":"in/"}}`, `{"StringEquals":{"s3:prefx":"in/"}}`,
		`{"StringEqualsIgnoreCase":{"sts:ExternalId":"` + goodID + `"}}`, `{"StringEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}`,
	}
	somePrincipals = []string{
		``, `"*"`, `{"AWS":"*"}`, `{"AWS":"` + production + `"}`, `{"AWS":["` + production + `","` + staging + `"]}`, `{"AWS":"873682911326"}`,
		`{"AWS":"arn:aws:iam::873682911326:root"}`, `{"AWS":"arn:aws:iam::873682911326:role/VTK*"}`, `{"Service":"ec2.amazonaws.com"}`, `{"AWS":"arn:aws:iam::092392787187:user/gamma"}`,
	}
	askedActions = []string{
		"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:PutObjectAcl", "s3:PutBucketPolicy", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload",
		"s3:ListMultipartUploadParts", "s3:PutObjectTagging", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ScheduleKeyDeletion", "sts:AssumeRole",
	}
	askedResources = []string{
		"arn:aws:s3:::acme-masters", "arn:aws:s3:::acme-masters/in/a", "arn:aws:s3:::acme-masters/out/a", "arn:aws:s3:::acme-masters-2", "arn:aws:s3:::acme-masters-2/a",
		"arn:aws:iam::111122223333:role/media", "arn:aws:iam::873682911326:role/own", "arn:aws:kms:eu-central-1:111122223333:key/k", "arn:aws:kms:eu-central-1:111122223333:key/other",
	}
	askedPrincipals = []string{
		production, staging, "arn:aws:iam::873682911326:role/other", "arn:aws:iam::092392787187:user/gamma", "arn:aws:iam::444455556666:user/stranger", "arn:aws:iam::111122223333:role/media",
	}
	askedContexts = []map[string][]string{
		{},
		{"sts:ExternalId": {goodID}, "aws:MultiFactorAuthPresent": {"true"}},
		{"sts:ExternalId": {strings.ToUpper(goodID)}},
		{"sts:ExternalId": {"acme"}},
		{"s3:prefix": {"in/"}},
		{"s3:prefix": {"in/x"}},
		{"s3:prefix": {"out/"}},
		{"s3:x-amz-server-side-encryption": {"aws:kms"}},
	}
)

// decided returns what the document alone decides of each request of the grid.
func decided(t interface{ Fatal(...any) }, d *policy.Document, kind policy.Kind) map[string]policy.Decision {
	everything, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	own, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	principals, resources := askedPrincipals, askedResources
	policies := policy.Policies{Identity: []*policy.Document{everything}, Resource: d}
	switch kind {
	case policy.PermissionsDocument, policy.WorkerDocument:
		policies = policy.Policies{Identity: []*policy.Document{d}, Resource: own}
		principals = askedPrincipals[5:]
	case policy.TrustDocument:
		resources = []string{"arn:aws:iam::111122223333:role/media"}
	case policy.BucketDocument: // which decides of nothing else
		resources = slices.DeleteFunc(slices.Clone(resources), func(resource string) bool { return !strings.HasPrefix(resource, "arn:aws:s3:::") })
	}
	out := map[string]policy.Decision{}
	for _, who := range principals {
		for _, action := range askedActions {
			for _, resource := range resources {
				for i, context := range askedContexts {
					// The account is another than the principals', so that the resource's policy decides.
					account := "777788889999"
					if kind == policy.PermissionsDocument || kind == policy.WorkerDocument {
						account = "111122223333"
					}
					r := policy.Evaluate(policy.Request{Principal: who, Action: action, Resource: resource, Account: account, Context: context}, policies)
					out[fmt.Sprint(who, " ", action, " ", resource, " ", i)] = r.Decision
				}
			}
		}
	}
	return out
}

// held checks what must be true of every document and its fix.
func held(t interface {
	Fatal(...any)
	Errorf(string, ...any)
}, data []byte, o lint.Options,
) {
	r := lint.Check([]lint.File{{Name: "p", Data: data}}, o).Files[0]
	if r.Fixed == nil {
		for _, f := range r.Findings {
			if f.Fixed {
				t.Errorf("%s says that it is fixed, and nothing is: %s", f.Rule, data)
			}
		}
		return
	}
	again := lint.Check([]lint.File{{Name: "p", Data: r.Fixed}}, lint.Options{Kind: r.Kind, Kit: o.Kit, Organization: o.Organization, Others: o.Others}).Files[0]
	lasts(t, data, r, again)
	widened, denies := false, false
	for _, f := range r.Findings {
		widened = widened || f.Widens
		denies = denies || f.Fixed && strings.HasPrefix(f.Hint, "Operator: add a Deny")
	}
	before, err := policy.Parse(data)
	if err != nil {
		return
	}
	after, err := policy.Parse(r.Fixed)
	if err != nil {
		t.Errorf("fixed, it cannot be read: %v\n%s", err, r.Fixed)
		return
	}
	decisions := decided(t, before, r.Kind)
	for request, now := range decided(t, after, r.Kind) {
		was := decisions[request]
		if now == policy.Allowed && was != now && !widened {
			t.Errorf("the fix allows %s, and no finding says so:\n%s\n%s\n%+v", request, data, r.Fixed, r.Findings)
			return
		}
		if now == policy.ExplicitlyDenied && was == policy.Allowed && !denies {
			t.Errorf("the fix denies %s:\n%s\n%s\n%+v", request, data, r.Fixed, r.Findings)
			return
		}
	}
}

// TestDenyIsLeft checks that a Deny that denies nothing is told, and not fixed to
// one that denies something.
func TestDenyIsLeft(t *testing.T) {
	t.Parallel()
	r := check(t, []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:ListObjects","s3:PutObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"]},
		{"Effect":"Deny","Action":"s3:CopyObject","Resource":"arn:aws:s3:::acme-masters/*"}]}`), lint.Options{})
	found := of(r, "s3-operation")
	if len(found) != 2 || !found[0].Fixed || found[1].Fixed || found[1].Widens {
		t.Errorf("%+v", found)
	}
	if !bytes.Contains(r.Fixed, []byte("s3:CopyObject")) {
		t.Errorf("the Deny was changed: %s", r.Fixed)
	}
}

// TestFixesHold tries what must hold on every case, page and policy of AWS's.
func TestFixesHold(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			verdict, rest, _ := strings.Cut(f.Name, " ")
			_, words, _ := strings.Cut(rest, " ")
			if verdict == "hit" {
				held(t, f.Data, optionsOf(t, words))
			}
		}
	}
	for _, pattern := range []string{"testdata/aws/*.json", "../../testdata/field/*/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(`"Statement"`)) {
				held(t, data, lint.Options{})
			}
		}
	}
}

// TestFixesHoldForAny tries it on documents put together at random.
func TestFixesHoldForAny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(lint.Kinds()).Draw(t, "kind")
		o := lint.Options{Kind: kind}
		if rapid.Bool().Draw(t, "for a connection") {
			o.Kit = &policy.KitRequest{Connection: connections["masters"], Principals: []string{production}, ExternalIDs: []string{goodID}}
			o.Organization, o.Others = "acme", []string{staging}
		}
		statement := rapid.Custom(func(t *rapid.T) string {
			s := `{"Effect":"` + rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect") + `"`
			some := func(name string, from []string, least int) string {
				out, _ := json.Marshal(rapid.SliceOfN(rapid.SampledFrom(from), least, 4).Draw(t, name))
				return string(out)
			}
			s += `,"` + rapid.SampledFrom([]string{"Action", "Action", "Action", "NotAction"}).Draw(t, "element") + `":` + some("actions", someActions, 1)
			if kind == policy.TrustDocument || kind == policy.BucketDocument || kind == policy.KeyDocument {
				if p := rapid.SampledFrom(somePrincipals).Draw(t, "principal"); p != "" {
					s += `,"Principal":` + p
				}
			}
			if kind != policy.TrustDocument {
				s += `,"` + rapid.SampledFrom([]string{"Resource", "Resource", "Resource", "NotResource"}).Draw(t, "element") + `":` + some("resources", someResources, 1)
			}
			if c := rapid.SampledFrom(someConditions).Draw(t, "condition"); c != "" {
				s += `,"Condition":` + c
			}
			return s + "}"
		})
		statements := rapid.SliceOfN(statement, 1, 3).Draw(t, "statements")
		version := rapid.SampledFrom([]string{`"Version":"2012-10-17",`, ``}).Draw(t, "version")
		held(t, []byte(`{`+version+`"Statement":[`+strings.Join(statements, ",")+`]}`), o)
	})
}
