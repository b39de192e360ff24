package policy_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

var update = flag.Bool("update", false, "write golden files again")

const (
	exampleKey = "arn:aws:kms:eu-central-1:111122223333:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
	worker     = "arn:aws:iam::873682911326:role/VTKWorker"
)

func TestBuildersGolden(t *testing.T) {
	t.Parallel()
	session := func(s policy.Scope) func() ([]byte, error) {
		return func() ([]byte, error) { return policy.Session(s) }
	}
	for name, build := range map[string]func() ([]byte, error){
		"session-read": session(policy.Scope{
			Region: "eu-central-1", Bucket: "acme-masters", Prefixes: []string{"in/"},
			Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey,
		}),
		"session-write": session(policy.Scope{Region: "cn-north-1", Bucket: "globex", Prefixes: []string{"out/"}, Operations: []policy.Operation{policy.Write}}),
		"session-object": session(policy.Scope{
			Bucket: "b", Objects: []string{`a*?${aws:username}"\é世😀`},
			Operations: []policy.Operation{policy.Read, policy.Write, policy.Tag, policy.ACL, policy.List}, KMSKey: exampleKey,
		}),
		"session-bucket": session(policy.Scope{Partition: "aws-eusc", Region: "eusc-de-east-1", Bucket: "b", Prefixes: []string{""}, Operations: []policy.Operation{policy.List, policy.Tag}}),
		"session-long": session(policy.Scope{
			Region: "eu-central-1", Bucket: "b", Prefixes: []string{strings.Repeat("long-name/", 17)},
			Operations: []policy.Operation{policy.Read, policy.List}, KMSKey: policy.AnyKey,
		}),
		"deny-all":       func() ([]byte, error) { return policy.DenyAll(), nil },
		"trust":          policy.Trust{Principals: []string{worker}, ExternalIDs: []string{"x-42"}}.Policy,
		"trust-rotating": policy.Trust{Principals: []string{worker, worker + "2"}, ExternalIDs: []string{"x-42", "x-43"}}.Policy,
		"trust-account":  policy.Trust{Principals: []string{worker, worker + "2"}, ExternalIDs: []string{"x-42"}, Form: policy.ByAccount}.Policy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := build()
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > policy.MaxSessionPolicy {
				t.Errorf("%d characters", len(text))
			}
			if strings.ContainsFunc(string(text), func(r rune) bool { return r > '~' }) {
				t.Errorf("STS refuses the characters of %s", text)
			}
			var readable bytes.Buffer
			if err := json.Indent(&readable, text, "", "  "); err != nil {
				t.Fatal(err)
			}
			readable.WriteByte('\n')
			file := filepath.Join("testdata", "build", name+".json")
			if *update {
				if err := os.WriteFile(file, readable.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), readable.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestBuildersRefuse(t *testing.T) {
	t.Parallel()
	good := func(change func(*policy.Scope)) policy.Scope {
		s := policy.Scope{Bucket: "b", Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Read}}
		change(&s)
		return s
	}
	for name, s := range map[string]policy.Scope{
		"no bucket":           good(func(s *policy.Scope) { s.Bucket = "" }),
		"a pattern as bucket": good(func(s *policy.Scope) { s.Bucket = "b*" }),
		"a path as bucket":    good(func(s *policy.Scope) { s.Bucket = "b/c" }),
		"no operation":        good(func(s *policy.Scope) { s.Operations = nil }),
		"unknown operation":   good(func(s *policy.Scope) { s.Operations = []policy.Operation{"destroy"} }),
		"nothing":             good(func(s *policy.Scope) { s.Prefixes = nil }),
		"prefix not ending":   good(func(s *policy.Scope) { s.Prefixes = []string{"in"} }),
		"prefix not UTF-8":    good(func(s *policy.Scope) { s.Prefixes = []string{"\xff/"} }),
		"empty object":        good(func(s *policy.Scope) { s.Objects = []string{""} }),
		"object not UTF-8":    good(func(s *policy.Scope) { s.Objects = []string{"\xff"} }),
		"key alias":           good(func(s *policy.Scope) { s.KMSKey = "arn:aws:kms:eu-central-1:111122223333:alias/a" }),
		"key pattern":         good(func(s *policy.Scope) { s.KMSKey = "arn:aws:kms:eu-central-1:111122223333:key/*" }),
		"too long":            good(func(s *policy.Scope) { s.Prefixes = []string{strings.Repeat("x", 1000) + "/"} }),
	} {
		if text, err := policy.Session(s); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
	for name, trust := range map[string]policy.Trust{
		"no external id":    {Principals: []string{worker}},
		"empty external id": {Principals: []string{worker}, ExternalIDs: []string{""}},
		"no principal":      {ExternalIDs: []string{"x-42"}},
		"anyone":            {Principals: []string{"*"}, ExternalIDs: []string{"x-42"}},
		"a session":         {Principals: []string{"arn:aws:sts::873682911326:assumed-role/w/s"}, ExternalIDs: []string{"x-42"}},
	} {
		if text, err := trust.Policy(); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}
