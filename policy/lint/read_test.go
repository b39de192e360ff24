package lint_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// FuzzCheck reads anything without failing: the report can be written, its
// places are in the text, and what was fixed is JSON that reads the same.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"", "{", "{}", "[]", "[{", "{\"a\"", `{"Statement": [{"Effect": "Allow", "Action": "s3:HeadBucket", "Resource": "*"}]}`,
		"```json\n{'Statement': {Effect: “Allow”, /* x */ \"Action\": [\"s3:*\",], }} -- y\n```", "{\"Statement\":[{\"Effect\":\"Allow\"\n\"Action\":\"a\\_b\"}]}",
		"\ufeff{\u00a0\"Version\": \"2012-10-17\", \"Statement\": []}", `{"a": {"b": {"Statement": {"Effect": "Allow", "Condition": {"x": {"y": []}}}}}}`,
		`{"Statement":{"Effect":"Allow","Principal":"x","Action":"sts:*","Condition":[]}}`, `{"Statement":{"Effect":{},"Principal":[],"Action":{},"Resource":[[]]}}`,
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":{}},"NotAction":1,"Condition":{"StringLike":{"sts:ExternalId":null}}}]}`,
		"{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"\\ud800\",\"Resource\":\"\xff\"}]}",
	} {
		f.Add([]byte(seed), byte(0))
	}
	archives, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data, byte(i*64+5))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, how byte) {
		var o lint.Options
		if kinds := lint.Kinds(); int(how%8) < len(kinds) {
			o.Kind = kinds[how%8]
		}
		if how >= 128 {
			o.Kit = &policy.KitRequest{Connection: connections["masters"], Principals: []string{production}, ExternalIDs: []string{goodID}}
		}
		r := lint.Check([]lint.File{{Name: "p", Data: data}}, o)
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		r.SARIF()
		lines := 1 + strings.Count(string(data), "\n")
		for _, file := range r.Files {
			for _, found := range file.Findings {
				if found.Line < 1 || found.Line > lines || found.Column < 1 || found.Column > len(data)+1 {
					t.Fatalf("%+v is outside of %q", found, data)
				}
			}
			if file.Fixed == nil {
				continue
			}
			again := lint.Check([]lint.File{{Name: "p", Data: file.Fixed}}, lint.Options{Kind: file.Kind, Kit: o.Kit})
			if len(again.Files) != 1 {
				t.Fatalf("fixed, %q is %d documents: %s", data, len(again.Files), file.Fixed)
			}
			for _, found := range again.Files[0].Findings {
				if strings.HasPrefix(found.Rule, "json-") {
					t.Fatalf("fixed, %q is no JSON: %s: %+v", data, file.Fixed, found)
				}
			}
		}
	})
}

// TestWorkIsBounded checks that texts made to be slow are not. The limit is far
// above what any takes, also with the race detector, and far below what a
// forgotten bound would.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	many := func(n int, s, sep string) string { return strings.TrimSuffix(strings.Repeat(s+sep, n), sep) }
	for name, text := range map[string]string{
		"braces":       strings.Repeat("{a", 60_000),
		"brackets":     strings.Repeat("[", 120_000),
		"openers":      strings.Repeat("/*{", 40_000),
		"actions":      `{"Statement":{"Effect":"Allow","Action":[` + many(3500, `"s3:Lis*"`, ",") + `],"Resource":"*"}}`,
		"unknown":      `{"Statement":{"Effect":"Allow","Action":[` + many(2200, `"s3:ListBuckett"`, ",") + `],"Resource":"*"}}`,
		"statements":   `{"Statement":[` + many(450, `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","NotAction":"*"}`, ",") + `]}`,
		"members":      `{"Statement":[],` + many(6_000, `"x":1`, ",") + `}`,
		"names":        `{"Statement":[],"` + strings.Repeat("x", 39_000) + `":1}`,
		"stars":        `{"Statement":[{"Effect":"Allow","Action":"s3:` + strings.Repeat("*a", 9_000) + `","Resource":"` + strings.Repeat("*a", 9_000) + `"},{"Effect":"Deny","Action":"*","Resource":"*"}]}`,
		"conditions":   `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{` + many(1000, `"StringLike":{"sts:ExternalId":"*"}`, ",") + `}}}`,
		"placeholders": `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + strings.Repeat("<a", 19_000) + `"}}`,
		"backslashes":  `{"` + strings.Repeat(`\`, 120_000),
		"large":        `{"Statement":[` + many(1500, `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","NotAction":"*"}`, ",") + `]}`,
		"documents":    strings.Repeat("{}", 60_000),
		"lists":        "[" + many(4_000, `{"Statement":[],"Version":"x"}`, ",") + "]",
		"too much":     strings.Repeat(" ", 1<<20) + "{}",
	} {
		start := time.Now()
		r := lint.Check([]lint.File{{Name: name, Data: []byte(text)}}, lint.Options{})
		took := time.Since(start)
		t.Logf("%s: %v, %d findings", name, took.Round(time.Millisecond), len(r.Files[0].Findings))
		if took > time.Minute {
			t.Errorf("%s took %v", name, took)
		}
	}
}
