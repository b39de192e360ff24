package lint_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall/rolecall/policy/lint"
)

// TestAccessAnalyzer holds the table of Access Analyzer's checks: each rule that
// a row names finds one of the check's policies, and each policy is found by one.
func TestAccessAnalyzer(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/lint/access-analyzer.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]string{} // rules by check
	row := regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (\\[.*) \\|$")
	rule := regexp.MustCompile("\\[`([a-z0-9-]+)`\\]\\(([a-z0-9-]+)\\.md\\)")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		for _, r := range rule.FindAllStringSubmatch(m[2], -1) {
			if r[1] != r[2] || !slices.ContainsFunc(lint.Rules(), func(known lint.Rule) bool { return known.Code == r[1] }) {
				t.Errorf("%s names the rule %s, and links to %s", m[1], r[1], r[2])
			}
			named[m[1]] = append(named[m[1]], r[1])
		}
	}
	if len(named) < 100 {
		t.Errorf("the table has %d checks", len(named))
	}
	archive, err := txtar.ParseFile("testdata/access-analyzer.txtar")
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, f := range archive.Files {
		code, words, _ := strings.Cut(f.Name, " ")
		found := false
		r := check(t, f.Data, optionsOf(t, words))
		for _, finding := range r.Findings {
			if slices.Contains(named[code], finding.Rule) {
				found, fired[code+" "+finding.Rule] = true, true
			}
		}
		if !found {
			t.Errorf("none of %v finds, for %s,\n%s\nfound: %+v", named[code], code, f.Data, r.Findings)
		}
		held(t, f.Data, optionsOf(t, words))
	}
	for code, rules := range named {
		for _, rule := range rules {
			if !fired[code+" "+rule] {
				t.Errorf("no policy of %s is found by %s", code, rule)
			}
		}
	}
}
