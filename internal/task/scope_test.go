package task

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/policy"
)

func TestScopeIsWhatTheStepDoes(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:eu-central-1:222233334444:key/k"
	prefix := rolecall.Place{Bucket: "b", Key: "in/"}
	object := rolecall.Place{Bucket: "b", Key: "in/a.mov"}
	some := patterns(t, "*.mov")
	named := patterns(t, "a.mov")
	with := func(p rolecall.Place, change func(*rolecall.Place)) rolecall.Place {
		change(&p)
		return p
	}
	for _, tc := range []struct {
		name string
		step rolecall.Step
		end  end
		want policy.Scope
	}{
		{
			"get files",
			rolecall.Step{Tool: rolecall.StorageGet, Place: prefix, Files: some},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey},
		},
		{
			"get an object",
			rolecall.Step{Tool: rolecall.StorageGet, Place: object},
			source,
			policy.Scope{Objects: []string{"in/a.mov"}, Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey},
		},
		{
			"put",
			rolecall.Step{Tool: rolecall.StoragePut, Place: prefix, Files: some},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Write, policy.Read}, KMSKey: policy.AnyKey},
		},
		{
			"put over what is there",
			rolecall.Step{Tool: rolecall.StoragePut, Place: object, Overwrite: true},
			source,
			policy.Scope{Objects: []string{"in/a.mov"}, Operations: []policy.Operation{policy.Write, policy.Read}, KMSKey: policy.AnyKey},
		},
		{"put with an acl and a key", rolecall.Step{Tool: rolecall.StoragePut, Files: some, Overwrite: true, Place: with(prefix, func(p *rolecall.Place) {
			p.ACL, p.Encryption = "bucket-owner-full-control", &rolecall.Encryption{Type: "aws:kms", Key: key}
		})}, source, policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Write, policy.Read, policy.ACL}, KMSKey: key}},
		{"put under AES256", rolecall.Step{Tool: rolecall.StoragePut, Files: some, Overwrite: true, Place: with(prefix, func(p *rolecall.Place) {
			p.Encryption = &rolecall.Encryption{Type: "AES256"}
		})}, source, policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Write, policy.Read}}},
		{
			"copy from",
			rolecall.Step{Tool: rolecall.StorageCopy, Place: prefix, Destination: rolecall.Place{Bucket: "d"}, Files: some},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey},
		},
		{
			"copy to",
			rolecall.Step{Tool: rolecall.StorageCopy, Place: rolecall.Place{Bucket: "s"}, Destination: prefix, Files: some},
			destination,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Write, policy.Read}, KMSKey: policy.AnyKey},
		},
		{
			"exists",
			rolecall.Step{Tool: rolecall.StorageExists, Place: prefix, Files: named},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.List}},
		},
		{
			"tag named objects",
			rolecall.Step{Tool: rolecall.StorageTagS3, Place: prefix, Files: named},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Tag}},
		},
		{
			"tag what matches",
			rolecall.Step{Tool: rolecall.StorageTagS3, Place: prefix, Files: some},
			source,
			policy.Scope{Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Tag, policy.List}},
		},
	} {
		tc.want.Bucket = "b"
		if diff := cmp.Diff(tc.want, access.Request{Place: tc.end.of(tc.step), Operations: operations(tc.step, tc.end)}.Scope()); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// No step's session can read, write or list outside of its place.
func TestSessionsStayInsideTheirPlace(t *testing.T) {
	t.Parallel()
	const caller = "arn:aws:sts::111122223333:assumed-role/media/acme.j"
	everything, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	part := rapid.SampledFrom([]string{"in", "in*", "$x", "out", "a?", "é"})
	rapid.Check(t, func(t *rapid.T) {
		prefix := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "prefix"), "/") + "/"
		other := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "other"), "/")
		step := rolecall.Step{
			Tool: rapid.SampledFrom(rolecall.Tools()).Draw(t, "tool"), Place: rolecall.Place{Bucket: "bucket", Key: prefix},
			Destination: rolecall.Place{Bucket: "bucket", Key: prefix}, Files: patterns(t, "**"), Overwrite: rapid.Bool().Draw(t, "overwrite"),
		}
		e := source
		if step.Tool == rolecall.StorageCopy && rapid.Bool().Draw(t, "to") {
			e = destination
		}
		place := e.of(step)
		place.Region = "eu-central-1"
		scope := access.Request{Principal: rolecall.Principal{ARN: rolecall.ARN{Partition: "aws"}}, Place: place, Operations: operations(step, e)}.Scope()
		text, err := policy.Session(scope)
		if err != nil {
			t.Fatal(err)
		}
		session, err := policy.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		allows := func(action, resource string, context map[string][]string) bool {
			return policy.Evaluate(policy.Request{Principal: caller, Action: action, Resource: resource, Account: "111122223333", Context: context},
				policy.Policies{Identity: []*policy.Document{everything}, Session: session}).Decision == "allowed"
		}
		has := map[string]bool{}
		for _, op := range scope.Operations {
			has[string(op)] = true
		}
		inside := strings.HasPrefix(other, prefix)
		for action, op := range map[string]string{"s3:GetObject": "read", "s3:PutObject": "write", "s3:PutObjectTagging": "tag", "s3:DeleteObject": "", "s3:PutObjectAcl": "acl"} {
			if got := allows(action, "arn:aws:s3:::bucket/"+other, nil); got != (inside && has[op]) {
				t.Fatalf("%s of %q below %q: %v, in %s", action, other, prefix, got, text)
			}
			if allows(action, "arn:aws:s3:::elsewhere/"+prefix+"x", nil) {
				t.Fatalf("%s in another bucket, in %s", action, text)
			}
		}
		if got := allows("s3:ListBucket", "arn:aws:s3:::bucket", map[string][]string{"s3:prefix": {other}}); got != (inside && has["list"]) {
			t.Fatalf("listing %q below %q: %v, in %s", other, prefix, got, text)
		}
	})
}

// A session reaches no further than the directory that all named files are in.
func TestCommonDirectory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		files string
		want  string
	}{
		{"", ""},
		{"a.mov", ""},
		{"x/a.mov", "x/"},
		{"x/a.mov x/b.mov", "x/"},
		{"x/y/a.mov x/b.mov", "x/"},
		{"x/y/a.mov x/y/*.mov", "x/y/"},
		{"x/a.mov y/a.mov", ""},
		{"xa/a.mov xb/a.mov", ""},
		{"**", ""},
		{"x/**", "x/"},
		{"x/a*/b.mov", "x/"},
		{"x/a?", "x/"},
		{"é/a.mov è/a.mov", ""},
	} {
		var files []rolecall.Pattern
		for _, text := range strings.Fields(c.files) {
			p, err := rolecall.CompilePattern(text)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, p)
		}
		if got := commonDirectory(files); got != c.want {
			t.Errorf("%q: %q, want %q", c.files, got, c.want)
		}
	}
}
