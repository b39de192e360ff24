package lint_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

const (
	headBucket = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket","s3:HeadBucket"],"Resource":"arn:aws:s3:::acme-masters"}]}`
	listBucket = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::acme-masters"}]}`
)

// TestInside checks that policies inside of something else are judged each by
// itself, and that none takes the place of what is around it.
func TestInside(t *testing.T) {
	t.Parallel()
	role := `{"Role":{"RoleName":"media","Tags":[{"Key":"a","Value":"b"}],"AssumeRolePolicyDocument":` + headBucket + `}}`
	template := `{"AWSTemplateFormatVersion":"2010-09-09","Resources":{"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":` + headBucket + `}}}}`
	for name, c := range map[string]struct {
		text   string
		within []string // of each document; one "" by itself: the file is the document
		rules  string   // of the first
		fixed  bool     // the first
	}{
		"a policy":               {headBucket, []string{""}, "s3-head-bucket", true},
		"a tool's answer":        {`{"RoleName":"media","PolicyName":"p","PolicyDocument":` + headBucket + `}`, []string{""}, "document-shape s3-head-bucket", true},
		"text in an answer":      {`{"Policy":` + strconv.Quote(headBucket) + `}`, []string{""}, "document-shape s3-head-bucket", true},
		"a kit":                  {`{"permissions":` + headBucket + `,"revocation":` + headBucket + `,"reasons":[]}`, []string{"/permissions", "/revocation"}, "s3-head-bucket", true},
		"a kit of one":           {`{"permissions":` + headBucket + `}`, []string{"/permissions"}, "s3-head-bucket", true},
		"a template":             {template, []string{"/Resources/A/Properties/PolicyDocument"}, "s3-head-bucket", true},
		"a list":                 {`[` + headBucket + `,` + headBucket + `]`, []string{"/0", "/1"}, "document-shape s3-head-bucket", true},
		"an answer with more":    {role, []string{"/Role/AssumeRolePolicyDocument"}, "document-shape s3-head-bucket", true},
		"a firewall's statement": {`{"Rules":{"Statement":{"RateBasedStatement":{}}},}`, []string{""}, "document-shape json-comma", false},
		"statements and others":  {`[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters"},{"Name":"x"}]`, []string{""}, "document-shape", false},
		"a page":                 {strings.Repeat("Words.\n", 4) + headBucket, []string{""}, "json-fence s3-head-bucket", true},
	} {
		r := lint.Check([]lint.File{{Name: name, Data: []byte(c.text)}}, lint.Options{})
		var within []string
		whole := false
		for _, f := range r.Files {
			within = append(within, f.Within)
			whole = whole || f.Document == 0
		}
		if diff := cmp.Diff(c.within, within); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want := len(c.within) == 1 && c.within[0] == "" && name != "a page"; whole != want {
			t.Errorf("%s: the document is the file: %t", name, whole)
		}
		var rules []string
		for _, f := range r.Files[0].Findings {
			rules = append(rules, f.Rule)
		}
		if got := strings.Join(rules, " "); got != c.rules {
			t.Errorf("%s: %s, not %s", name, got, c.rules)
		}
		if fixed := r.Files[0].Fixed; (fixed != nil) != c.fixed || c.fixed && cmp.Diff(canonical(t, []byte(listBucket)), canonical(t, fixed)) != "" {
			t.Errorf("%s: fixed to %s", name, fixed)
		}
	}
}

// TestKitsAreClean checks that what policy generate writes has no fault of form,
// is of the kinds that it says, and is measured by its documents.
func TestKitsAreClean(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../render/testdata/golden/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range lint.Check([]lint.File{{Name: name, Data: data}}, lint.Options{Kind: policy.KeyDocument}).Files {
			if want := strings.ReplaceAll(strings.TrimPrefix(f.Within, "/"), "revocation", "permissions"); string(f.Kind) != want {
				t.Errorf("%s: %s is of kind %s", name, f.Within, f.Kind)
			}
			for _, found := range f.Findings {
				if strings.HasPrefix(found.Rule, "document-") || strings.HasPrefix(found.Rule, "json-") {
					t.Errorf("%s: %s: %s: %s", name, f.Within, found.Rule, found.Message)
				}
			}
		}
	}
}

// TestEncodings checks that a document is read through what programs wrap texts in.
func TestEncodings(t *testing.T) {
	t.Parallel()
	units := utf16.Encode([]rune("\ufeff" + headBucket))
	var little, big []byte
	for _, u := range units {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	literal, err := json.Marshal(strings.ReplaceAll(headBucket, ",", ",\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"UTF-16": string(little), "UTF-16, most significant first": string(big), "UTF-16 without a mark": string(little[2:]),
		"URL": url.PathEscape(headBucket), "HTML": html.EscapeString(headBucket),
		"string": string(literal), "escaped": string(literal[1 : len(literal)-1]),
	} {
		r := lint.Check([]lint.File{{Name: name, Data: []byte(text)}}, lint.Options{})
		f := r.Files[0]
		if len(of(f, "json-escape")) != 1 || len(of(f, "s3-head-bucket")) != 1 || len(f.Findings) != 2 {
			t.Errorf("%s: %+v", name, f.Findings)
		}
		if f.Fixed == nil || cmp.Diff(canonical(t, []byte(listBucket)), canonical(t, f.Fixed)) != "" || f.Document != 0 {
			t.Errorf("%s: document %d, fixed to %s", name, f.Document, f.Fixed)
		}
	}
}

// TestManyDocuments checks that the first hundred are read, with their places.
func TestManyDocuments(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("{\"Statement\": []} {}\n", 1000)
	r := lint.Check([]lint.File{{Name: "p", Data: []byte(text)}}, lint.Options{})
	if len(r.Files) != 100 {
		t.Fatalf("%d documents", len(r.Files))
	}
	for i, f := range r.Files {
		several := of(f, "document-several")
		if len(several) == 0 || several[0].Line != i/2+1 || several[0].Column != 1+i%2*18 {
			t.Fatalf("document %d: %+v", i, several)
		}
	}
	last := of(r.Files[99], "document-several")
	if end := fmt.Sprint(last[len(last)-1]); len(last) != 2 || !strings.Contains(end, "more than 100") {
		t.Errorf("%v", last)
	}
}
