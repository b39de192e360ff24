package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/policy/lint"
)

// changeless are the hints that name no change of a document.
var changeless = []string{
	"…: …", // who acts, before each
	"look the action up in AWS's list of the actions of …",
	"look the key up in AWS's list of condition keys",
	"look the operator up in AWS's list of condition operators",
	"look the service up in AWS's list of services",
	"You: run rolecall policy lint FILE, which says where it is wrong",
}

// TestHints checks that each hint begins with who acts, and that what it says to
// do was done in a test: by the fix, by the right document of the rule's page, or
// by a case "followed". That the finding is gone then is checked there.
func TestHints(t *testing.T) {
	t.Parallel()
	var done []string
	add := func(r lint.FileReport, code string, followed bool) {
		for _, f := range r.Findings {
			if err := hinttest.Check(f.Hint); err != nil {
				t.Errorf("%s: %v", f.Rule, err)
			}
			if f.Rule == code && (followed || f.Fixed) {
				done = append(done, f.Hint)
			}
		}
	}
	for _, rule := range lint.Rules() {
		archive, err := txtar.ParseFile(filepath.Join("testdata", "rules", rule.Code+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		followed := map[string]bool{}
		for _, f := range archive.Files {
			if name, found := strings.CutPrefix(f.Name, "followed "); found {
				name, _, _ = strings.Cut(name, " ")
				followed[name] = true
			}
		}
		for _, f := range archive.Files {
			if rest, hit := strings.CutPrefix(f.Name, "hit "); hit {
				name, words, _ := strings.Cut(rest, " ")
				add(check(t, f.Data, optionsOf(t, words)), rule.Code, followed[name])
			}
		}
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", "lint", rule.Code+".md"))
		if err != nil {
			t.Fatal(err)
		}
		add(check(t, block(t, page, "## Wrong"), optionsOf(t, words(page))), rule.Code, true)
	}
	hinttest.Followed(t, ".", done, changeless)
}
