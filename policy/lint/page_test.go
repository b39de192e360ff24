package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// TestPagesOfOthers reads pages on which policies stand among other things: each
// is read by itself, and what is around hides none.
func TestPagesOfOthers(t *testing.T) {
	t.Parallel()
	const (
		trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Worker"},"Action":"sts:AssumeRole",` +
			`"Condition":{"StringEquals":{"sts:ExternalId":"rc-6Qm2v9TtXhF0aZ8bLw3cYd"}}}]}`
		read  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters"}]}`
		fence = "\n```\n"
	)
	page := func(parts ...string) string { return strings.Join(parts, fence) }
	both := []policy.Kind{policy.TrustDocument, policy.PermissionsDocument}
	for name, text := range map[string]string{
		"a snippet of a job":        page("The job:", `"tasks": [...]`, "The trust:", trust, "and", read, ""),
		"a snippet left open":       page("The job:", `"tasks": [ {"name": "a", ... } `, "The trust:", trust, "and", read, ""),
		"a job":                     page("The job:", `{"tasks": [{"name": "storage:get", "parameters": {"location": "s3://b/in/"}}]}`, "The trust:", trust, "and", read, ""),
		"a broken object":           page("Answer:", `{"Role": {"Arn": "arn:aws:iam::111122223333:role/media", ... }}`, "The trust:", trust, "and", read, ""),
		"addresses in prose":        "See https://docs.aws.amazon.com/IAM/latest/UserGuide/ for more.\n" + page("The trust:", trust, "and, as https://example.com/#why says,", read, "That is http://all.\n"),
		"an address before a brace": page("See https://example.com/a#b", trust, "See // it at https://example.com", read, ""),
		"YAML":                      page("", "tasks:\n  - name: storage:get\n    parameters: {location: s3://b/in/}\n", trust, "", read, ""),
		"a shell command":           page("", "aws iam create-role --role-name media --assume-role-policy-document file://trust.json", trust, "", read, ""),
	} {
		r := lint.Check([]lint.File{{Name: "page.md", Data: []byte(text)}}, lint.Options{})
		var kinds []policy.Kind
		for _, f := range r.Files {
			kinds = append(kinds, f.Kind)
			for _, finding := range f.Findings {
				if finding.Rule == "json-comment" || finding.Rule == "json-syntax" {
					t.Errorf("%s: %s: %s", name, finding.Rule, finding.Message)
				}
			}
		}
		if !slices.Equal(kinds, both) {
			t.Errorf("%s: %v", name, kinds)
		}
	}
}

// TestPrincipalsStay checks that no fix takes a principal away whose removal the
// finding does not say.
func TestPrincipalsStay(t *testing.T) {
	t.Parallel()
	for comment, principal := range map[string]string{
		"// staging": `"arn:aws:iam::379899276840:role/Worker"`, "# also for tests of the QA team": `"arn:aws:iam::379899276840:role/Worker"`,
		"// production": `"arn:aws:iam::379899276840:role/staging-worker"`,
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":["arn:aws:iam::873682911326:role/Worker",` + "\n" +
			principal + " " + comment + "\n" + `]},"Condition":{"StringEquals":{"sts:ExternalId":"rc-6Qm2v9TtXhF0aZ8bLw3cYd"}}}]}`
		r := check(t, []byte(text), lint.Options{})
		gone := r.Fixed != nil && !strings.Contains(string(r.Fixed), strings.Trim(principal, `"`))
		said := slices.ContainsFunc(of(r, "trust-environments"), func(f lint.Finding) bool {
			return f.Fixed && strings.Contains(f.Hint, "remove it, as the corrected document does")
		})
		if gone != said || gone && !strings.Contains(principal, "staging") {
			t.Errorf("%s %s: gone is %v, and said %v", principal, comment, gone, said)
		}
	}
}
