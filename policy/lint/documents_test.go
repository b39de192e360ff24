package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/policy/lint"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	const one = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	for name, test := range map[string]struct{ text, want, fault string }{
		"as in the console":    {"// pasted\n" + one + "\n", one, ""},
		"of get-bucket-policy": {`{"Policy": "` + strings.ReplaceAll(one, `"`, `\"`) + `"}`, one, ""},
		"of get-role":          {`{"Role": {"RoleName": "media", "AssumeRolePolicyDocument": ` + one + `}}`, one, ""},
		"of describe-policy":   {`{"Policy": {"PolicySummary": {"Id": "p-1"}, "Content": "` + strings.ReplaceAll(one, `"`, `\"`) + `"}}`, one, ""},
		"two":                  {one + "\n" + one, one + one, ""},
		"empty":                {"", "", ": there is no JSON object here"},
		"cut off":              {one[:40], "", ": a string does not end"},
		"no policy":            {`{"a": 1}`, "", `/a: unknown field "a"`},
		"wrong inside":         {`{"Policy": ` + strings.Replace(one, "Allow", "Allows", 1) + `}`, "", `/Policy/Statement/0/Effect: unknown effect "Allows"`},
	} {
		got, err := lint.Documents([]byte(test.text))
		var texts strings.Builder
		for _, d := range got {
			texts.Write(d.JSON())
		}
		if diff := cmp.Diff(test.want, texts.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), strings.TrimPrefix(test.fault, ": ")) {
			t.Errorf("%s: %v, want %s", name, err, test.fault)
		}
	}
}
