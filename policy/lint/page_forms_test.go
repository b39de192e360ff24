package lint_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy/lint"
)

// TestEachPolicyOfAPage puts a policy that lets anyone in onto pages on which it
// stands in one form or the other, before and after what hides it from a reader
// of JSON: it is judged, or is said not to be.
func TestEachPolicyOfAPage(t *testing.T) {
	t.Parallel()
	const open = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"sts:AssumeRole\"}]\n}"
	flat := strings.ReplaceAll(open, "\n", "")
	escaped := strings.ReplaceAll(flat, `"`, `\"`)
	const read = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters"}]}`
	const unread = "json-syntax"
	for name, c := range map[string]struct{ text, rule string }{
		"a word in braces":         {"The role {media} is \"arn:aws:iam::1:role/x\"\n{ \"a\": 1 }\n" + open, ""},
		"a template's placeholder": {"Use ${bucket}: {{ bucket }}, {bucket: name} and { \"x\": ... }\n" + open, ""},
		"a heredoc of Terraform":   {"resource \"aws_iam_role\" \"r\" {\n  name = \"a:b\"\n  tags = { \"k\": \"v\" }\n  assume_role_policy = <<EOF\n" + open + "\nEOF\n}\n", ""},
		"a hundred blocks":         {strings.Repeat("resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"a:b\"\n}\n", 100) + "policy = <<-POLICY\n" + open + "\nPOLICY\n}\n", ""},
		"a string of Terraform":    {"resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = \"" + escaped + "\"\n}\n", ""},
		"an argument":              {"aws iam create-role --assume-role-policy-document \"" + escaped + "\" --role-name r\n", ""},
		"an argument of Windows":   {"aws iam create-role --assume-role-policy-document '" + escaped + "'\n", ""},
		"a string in a string":     {"body = \"{\\\"PolicyDocument\\\": \\\"" + strings.ReplaceAll(escaped, `\"`, `\\\"`) + "\\\"}\"\n", ""},
		"lines of a program":       {"policy := \"" + strings.ReplaceAll(strings.ReplaceAll(open, `"`, `\"`), "\n", `\n`) + "\"\n", ""},
		"a web page":               {"<p class=\"x\">Paste:</p><pre>" + strings.ReplaceAll(open, `"`, "&quot;") + "</pre>", ""},
		"a function of a program":  {"function f() { return g({a: 1}, " + flat + "); }\n", ""},
		"single quotes":            {"POLICY='" + flat + "'; f() { echo \"$1: x\"; }\n", ""},
		"jsonencode":               {"assume_role_policy = jsonencode({\n Version = \"2012-10-17\"\n Statement = [{ Effect = \"Allow\", Principal = \"*\" }]\n})\n", unread},
		"a data source":            {"data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"sts:AssumeRole\"]\n  }\n}\n", unread},
		"YAML":                     {"AssumeRolePolicyDocument:\n  Statement:\n    - Effect: Allow\n      Principal: '*'\n", unread},
		"YAML with JSON in it":     {"AssumeRolePolicyDocument:\n  Statement:\n    - Effect: Allow\n      Principal: {\"AWS\": '*'}\n", unread},
		"a quoted letter":          {"> " + strings.ReplaceAll(open, "\n", "\n> ") + "\n", ""},
		"a diff":                   {"+ " + strings.ReplaceAll(open, "\n", "\n+ ") + "\n", ""},
		"quotes of cmd":            {"aws iam create-role --assume-role-policy-document \"" + strings.ReplaceAll(flat, `"`, `""`) + "\"\n", unread},
		"an address":               {"https://example.com/?policy=" + url.QueryEscape(flat) + "\n", unread},
		"a policy cut off":         {strings.TrimSuffix(open, "]\n}") + "\n", unread},
		"a policy with an ellipse": {strings.Replace(flat, `"Action"`, `..., "Action"`, 1), unread},
	} {
		for where, page := range map[string]string{
			"alone": c.text, "first": c.text + "\n```\n" + read + "\n", "last": "Read:\n" + read + "\n```\n" + c.text, "between": read + "\n```\n" + c.text + "\n```\n" + read,
		} {
			rule := c.rule
			if rule == "" {
				rule = "principal-anyone"
			}
			found := ""
			reads := 0
			r := lint.Check([]lint.File{{Name: "page", Data: []byte(page)}}, lint.Options{})
			for i, f := range r.Files {
				reads += len(of(f, "s3-list-missing")) + strings.Count(fmt.Sprint(f.Kind), "permissions")
				for _, x := range f.Findings {
					found += x.Rule + " "
					if x.Rule == rule && (x.Line < 1 || len(r.Files) > 1 && f.Document != i+1) {
						t.Errorf("%s, %s: %+v of document %d", name, where, x, f.Document)
					}
				}
			}
			if n := strings.Count(found, rule+" "); n != 1 || rule != unread && strings.Contains(found, unread) {
				t.Errorf("%s, %s: %d of %s: %s", name, where, n, rule, found)
			}
			if want := strings.Count(page, read); reads != want {
				t.Errorf("%s, %s: %d other policies, not %d", name, where, reads, want)
			}
		}
	}
}
