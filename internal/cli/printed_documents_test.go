package cli_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
	"github.com/rolecall/rolecall/sandbox"
)

// TestPrintedDocumentsAreStored puts every policy that stands in a golden file or
// a page of docs into the sandbox, which checks it as AWS does when it stores one.
func TestPrintedDocumentsAreStored(t *testing.T) {
	t.Parallel()
	found := 0
	for _, root := range []string{"../../docs", "../../policy/testdata/generate", "../../policy/render/testdata/golden", "../../policy/explain/testdata", "testdata/golden"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !slices.Contains([]string{".md", ".json", ".txt", ".sh"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, document := range printedPolicies(wrongs.ReplaceAllString(string(text), "")) {
				found++
				storedBySandbox(t, path, document)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 100 {
		t.Errorf("only %d policies were found", found)
	}
}

// wrongs are the parts of pages that show what is wrong.
var wrongs = regexp.MustCompile("(?s)\n## Wrong\n.*?\n## ")

// printedPolicies returns the policies in a text, in JSON of any depth.
func printedPolicies(text string) []json.RawMessage {
	var out []json.RawMessage
	for {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			return out
		}
		text = text[at:]
		d := json.NewDecoder(strings.NewReader(text))
		var value json.RawMessage
		if d.Decode(&value) != nil {
			text = text[1:]
			continue
		}
		text = text[d.InputOffset():]
		out = append(out, policiesIn(value)...)
	}
}

func policiesIn(value json.RawMessage) []json.RawMessage {
	var members map[string]json.RawMessage
	var items []json.RawMessage
	switch {
	case json.Unmarshal(value, &members) == nil:
		if members["Statement"] != nil {
			return []json.RawMessage{value}
		}
		for _, m := range members {
			items = append(items, m)
		}
	case json.Unmarshal(value, &items) != nil:
		return nil
	}
	var out []json.RawMessage
	for _, item := range items {
		out = append(out, policiesIn(item)...)
	}
	return out
}

func storedBySandbox(t *testing.T, path string, document json.RawMessage) {
	t.Helper()
	// No bucket has so short a name as some pages take for brevity.
	document = json.RawMessage(strings.NewReplacer(`:s3:::b/`, `:s3:::bucket/`, `:s3:::b"`, `:s3:::bucket"`).Replace(string(document)))
	parsed, err := policy.Parse(document)
	if err != nil {
		t.Errorf("%s: %v: %s", path, err, document)
		return
	}
	trust := json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	account := map[string]any{"roles": map[string]any{"x": map[string]any{"trust": trust, "policies": []json.RawMessage{document}}}}
	switch kind := lint.Check([]lint.File{{Name: path, Data: document}}, lint.Options{}).Files[0].Kind; {
	case parsed.FitKind(kind) != nil: // as a service control policy's, which no call of these stores
		t.Logf("%s: a %s policy does not fit: %s", path, kind, document)
		return
	case kind == policy.TrustDocument:
		account = map[string]any{"roles": map[string]any{"x": map[string]any{"trust": document}}}
	case kind == policy.KeyDocument:
		account = map[string]any{"keys": map[string]any{"x": map[string]any{"region": "eu-central-1", "policy": document}}}
	case kind == policy.BucketDocument:
		bucket := "acme"
		if name := regexp.MustCompile(`arn:aws[a-z-]*:s3:::([a-z0-9.-]+)`).FindSubmatch(document); name != nil {
			bucket = string(name[1])
		}
		account = map[string]any{"buckets": map[string]any{bucket: map[string]any{"region": "eu-central-1", "policy": document}}}
	}
	config, err := json.Marshal(map[string]any{"accounts": map[string]any{"111122223333": account}})
	if err != nil {
		t.Fatal(err)
	}
	var plain any // a config is YAML, which does not have JSON's pairs of escapes
	if err := json.Unmarshal(config, &plain); err != nil {
		t.Fatal(err)
	}
	if config, err = json.Marshal(plain); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.ParseConfig(config, "."); err != nil {
		t.Errorf("%s: %v: %s", path, err, document)
	}
}
