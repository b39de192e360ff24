package lint_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// connections are those that cases name.
var connections = map[string]rolecall.Connection{
	"masters": {
		Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media",
	},
	"deliveries": {
		Name: "deliveries", Purpose: rolecall.Delivery, Bucket: "acme-deliveries", Region: "eu-central-1",
		RoleARN:    "arn:aws:iam::111122223333:role/media",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
	},
	"plain": {
		Name: "plain", Purpose: rolecall.Delivery, Bucket: "acme-deliveries", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media",
	},
	"crossed": {
		Name: "crossed", Purpose: rolecall.Delivery, Bucket: "acme-deliveries", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: "222233334444",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:222233334444:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
	},
	"china": {
		Name: "china", Purpose: rolecall.Source, Bucket: "acme-masters", Region: "cn-north-1",
		RoleARN: "arn:aws-cn:iam::111122223333:role/media",
	},
}

const (
	production = "arn:aws:iam::873682911326:role/VTKWorker"
	staging    = "arn:aws:iam::379899276840:role/VTKWorker"
	goodID     = "rc-6Qm2v9TtXhF0aZ8bLw3cYd"
)

// optionsOf reads the words of a case: a kind, and a connection after "for".
func optionsOf(t *testing.T, words string) lint.Options {
	t.Helper()
	var o lint.Options
	fields := strings.Fields(words)
	for i := 0; i < len(fields); i++ {
		if fields[i] != "for" {
			o.Kind = policy.Kind(fields[i])
			if !slices.Contains(lint.Kinds(), o.Kind) {
				t.Fatalf("%q is no kind", fields[i])
			}
			continue
		}
		i++
		c, ok := connections[fields[i]]
		if !ok {
			t.Fatalf("no connection %q", fields[i])
		}
		o.Kit = &policy.KitRequest{Connection: c, Principals: []string{production}, ExternalIDs: []string{goodID}}
		o.Organization, o.Others = "acme", []string{staging}
		if fields[i] == "deliveries" {
			o.Kit.Optional = []policy.Grant{policy.PutObjectTagging}
		}
	}
	return o
}

func check(t *testing.T, data []byte, o lint.Options) lint.FileReport {
	t.Helper()
	report := lint.Check([]lint.File{{Name: "policy.json", Data: data}}, o)
	if len(report.Files) == 0 {
		t.Fatal("no report")
	}
	return report.Files[0]
}

// of returns the findings of a rule.
func of(r lint.FileReport, code string) []lint.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f lint.Finding) bool { return f.Rule != code })
}

func canonical(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// TestCases runs the archive of each rule. Its files are named "hit", "clean",
// "fixed" or "followed", a name, and the words of optionsOf. A hit is found by
// the rule, a clean one is not; "fixed NAME" is what the hit of the name becomes,
// and "followed NAME" what a reader makes of it who does what its hint says.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, rule := range lint.Rules() {
		t.Run(rule.Code, func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(filepath.Join("testdata", "rules", rule.Code+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fixed, found := map[string]json.RawMessage{}, map[string]lint.FileReport{}
			hits, cleans := 0, 0
			for _, f := range archive.Files {
				verdict, rest, _ := strings.Cut(f.Name, " ")
				name, words, _ := strings.Cut(rest, " ")
				switch verdict {
				case "fixed":
					want, got := canonical(t, f.Data), fixed[name]
					if got == nil {
						t.Errorf("%s: nothing was fixed", f.Name)
					} else if diff := cmp.Diff(want, canonical(t, got)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", f.Name, diff)
					}
				case "hit":
					hits++
					r := check(t, f.Data, optionsOf(t, words))
					fixed[name], found[name] = r.Fixed, r
					if len(of(r, rule.Code)) == 0 {
						t.Errorf("%s: not found among %v", f.Name, r.Findings)
					}
				case "clean":
					cleans++
					if again := of(check(t, f.Data, optionsOf(t, words)), rule.Code); len(again) > 0 {
						t.Errorf("%s: %v", f.Name, again)
					}
				case "followed":
					followed(t, f.Name, rule.Code, found[name], check(t, f.Data, optionsOf(t, words)))
				default:
					t.Errorf("%s: neither hit, clean, fixed nor followed", f.Name)
				}
			}
			if hits == 0 || cleans == 0 {
				t.Errorf("%d hits and %d clean cases; a rule has both", hits, cleans)
			}
		})
	}
}

// TestFilesBelongTogether checks that each rule has its file, page and cases,
// and that none is left of a rule that is gone. The rules json-… share a file.
func TestFilesBelongTogether(t *testing.T) {
	t.Parallel()
	codes, sources := map[string]bool{}, map[string]bool{}
	for _, r := range lint.Rules() {
		codes[r.Code] = true
		file := r.Code
		if strings.HasPrefix(r.Code, "json-") {
			file = "json"
		}
		sources[file] = true
		if _, err := os.Stat("rule_" + strings.ReplaceAll(file, "-", "_") + ".go"); err != nil {
			t.Error(err)
		}
	}
	for pattern, known := range map[string]map[string]bool{
		"../../docs/lint/*.md": codes, "testdata/rules/*.txtar": codes, "rule_*.go": sources,
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			base := filepath.Base(f)
			code := strings.TrimPrefix(strings.ReplaceAll(strings.TrimSuffix(base, filepath.Ext(base)), "_", "-"), "rule-")
			if !known[code] && base != "README.md" && base != "access-analyzer.md" {
				t.Errorf("%s belongs to no rule", f)
			}
		}
	}
}

// TestPages checks that the page of each rule has its parts, that its wrong
// document is found, its right one is not, and that the fix, if there is one
// without a connection, leads to the right one.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, rule := range lint.Rules() {
		t.Run(rule.Code, func(t *testing.T) {
			t.Parallel()
			page, err := os.ReadFile(filepath.Join("..", "..", "docs", "lint", rule.Code+".md"))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{
				"# " + rule.Code + "\n", "**" + string(rule.Severity) + "**", "## Why", "## Wrong", "## Right", "## AWS's page", "https://docs.aws.amazon.com/",
			} {
				if !bytes.Contains(page, []byte(part)) {
					t.Errorf("the page lacks %q", part)
				}
			}
			wrong, right := block(t, page, "## Wrong"), block(t, page, "## Right")
			found := check(t, wrong, optionsOf(t, words(page)))
			if len(of(found, rule.Code)) == 0 {
				t.Errorf("the wrong document is not found by the rule, but: %v", found.Findings)
			}
			followed(t, "the right document", rule.Code, found, check(t, right, optionsOf(t, words(page))))
			if first := of(found, rule.Code); len(first) > 0 && first[0].Fixed && found.Fixed != nil {
				if diff := cmp.Diff(canonical(t, right), canonical(t, found.Fixed)); diff != "" {
					t.Errorf("the fix is not the right document (-right +fixed):\n%s", diff)
				}
			}
		})
	}
}

// followed checks that a document in which a hint was followed has the finding
// no more, and no error that it did not have.
func followed(t *testing.T, name, code string, before, after lint.FileReport) {
	t.Helper()
	for _, f := range after.Findings {
		if f.Rule == code || f.Severity == lint.Error && len(of(before, f.Rule)) == 0 {
			t.Errorf("%s: the hint was followed, and now there is %s at %s: %s", name, f.Rule, f.Pointer, f.Message)
		}
	}
}

// words returns the options that a page's documents are read with, from its
// comment <!-- lint: … -->.
func words(page []byte) string {
	_, after, found := bytes.Cut(page, []byte("<!-- lint: "))
	if !found {
		return ""
	}
	before, _, _ := bytes.Cut(after, []byte(" -->"))
	return string(before)
}

// block returns the content of the first code block after the heading.
func block(t *testing.T, page []byte, heading string) []byte {
	t.Helper()
	_, after, _ := bytes.Cut(page, []byte(heading))
	_, after, opened := bytes.Cut(after, []byte("\n````"))
	end := "\n````"
	if !opened {
		_, after, _ = bytes.Cut(page, []byte(heading))
		_, after, opened = bytes.Cut(after, []byte("\n```"))
		end = "\n```"
	}
	_, after, _ = bytes.Cut(after, []byte("\n"))
	inside, _, closed := bytes.Cut(after, []byte(end))
	if !opened || !closed {
		t.Fatalf("no code block under %s", heading)
	}
	return inside
}
