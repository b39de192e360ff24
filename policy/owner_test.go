package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
)

func TestOwnerQuestions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		owner := fmt.Sprintf("%012d", rapid.Int64Range(1, 999_999_999_999).Draw(t, "owner"))
		prefix := rapid.OneOf(rapid.Just(""), rapid.Map(keyText(), func(k string) string { return k + "/" })).Draw(t, "prefix")
		questions, err := policy.OwnerQuestions(policy.Scope{Region: scopeRegion, Bucket: scopeBucket, Prefixes: []string{prefix}})
		if err != nil {
			t.Fatal(err)
		}
		// A bucket policy that names the session changes no answer.
		resource := parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+scopeSession+`"},"Action":"*","Resource":"*"}}`)
		sessions := map[string]bool{}
		answers := make([]bool, len(questions))
		for i, q := range questions {
			if !strings.HasPrefix(q.Prefix, prefix) {
				t.Fatalf("asks for %q", q.Prefix)
			}
			if len(q.Policy) > policy.MaxSessionPolicy {
				t.Fatalf("a session policy of %d characters", len(q.Policy))
			}
			sessions[string(q.Policy)] = true
			ask := func(action, prefix string) bool {
				return policy.Evaluate(
					policy.Request{
						Principal: scopeSession, Action: action, Resource: "arn:aws:s3:::" + scopeBucket, Account: owner,
						Context: map[string][]string{"s3:prefix": {prefix}, "s3:ResourceAccount": {owner}},
					},
					policy.Policies{
						Identity: []*policy.Document{parse(t, allowEverything)}, Resource: resource, Session: parse(t, string(q.Policy)),
					},
				).Decision == policy.Allowed
			}
			answers[i] = ask("s3:ListBucket", q.Prefix)
			if ask("s3:GetBucketPolicy", q.Prefix) || prefix != "" && ask("s3:ListBucket", "else/") {
				t.Fatal("the session may do more than ask")
			}
		}
		if got, ok := policy.OwnerOf(answers); !ok || got != owner {
			t.Fatalf("read %q, %v; want %s", got, ok, owner)
		}
		if len(sessions) > 12 {
			t.Errorf("takes %d sessions", len(sessions))
		}
	})
}

func TestOwnerOfRefuses(t *testing.T) {
	t.Parallel()
	all := make([]bool, 48)
	if _, ok := policy.OwnerOf(all); ok {
		t.Error("denials alone are read as an account")
	}
	for i := range all {
		all[i] = true
	}
	if _, ok := policy.OwnerOf(all); ok {
		t.Error("digits above nine are read as an account")
	}
	if _, ok := policy.OwnerOf(all[:12]); ok {
		t.Error("a part of the answers is read as an account")
	}
	for name, s := range map[string]policy.Scope{
		"no bucket":    {Prefixes: []string{"in/"}},
		"no prefix":    {Bucket: "b", Objects: []string{"a"}},
		"two prefixes": {Bucket: "b", Prefixes: []string{"a/", "b/"}},
		"too long":     {Bucket: "b", Prefixes: []string{strings.Repeat("é", 400) + "/"}},
	} {
		if q, err := policy.OwnerQuestions(s); err == nil {
			t.Errorf("%s: %d questions", name, len(q))
		}
	}
}
