package lint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

func TestThirtyRulesAndMore(t *testing.T) {
	t.Parallel()
	rules := lint.Rules()
	if len(rules) < 30 {
		t.Errorf("%d rules", len(rules))
	}
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.Code] || r.Title == "" || r.Severity == "" {
			t.Errorf("%+v: a rule has a code of its own, a severity and a title", r)
		}
		seen[r.Code] = true
	}
}

// TestField finds everything that testdata/field says is wrong, in the
// documents by themselves or, where it takes knowing it, for the connection.
func TestField(t *testing.T) {
	t.Parallel()
	vtk := &policy.KitRequest{
		Connection: rolecall.Connection{
			Name: "delivery", Purpose: rolecall.Delivery, Bucket: "acme-delivery", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/vtk-upload",
		},
		Principals: []string{production}, ExternalIDs: []string{"acme"},
		Optional: []policy.Grant{policy.PutObjectTagging},
	}
	for _, c := range []struct {
		file    string
		kind    policy.Kind
		options lint.Options
		want    []string // codes; all that are errors or warnings, and these notes
	}{
		{"aspera/assume-role.json", policy.WorkerDocument, lint.Options{}, []string{"worker-resource"}},
		{"aspera/assume-role-corrected.json", policy.WorkerDocument, lint.Options{}, nil},
		{"aspera/trust.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable"}},
		{"aspera/trust-account.json", policy.TrustDocument, lint.Options{}, []string{"external-id-missing", "principal-root"}},
		{"aspera/permissions.json", policy.PermissionsDocument, lint.Options{}, []string{"action-unknown", "s3-mixed-resources", "s3-unneeded"}},
		{"aspera/permissions-as-tabled.json", policy.PermissionsDocument, lint.Options{}, []string{"action-unknown", "action-without-service", "s3-mixed-resources", "s3-multipart", "s3-unneeded"}},
		{"aspera/permissions-everything.json", policy.PermissionsDocument, lint.Options{}, []string{"s3-every-bucket", "s3-star", "version-missing"}},
		{"axinom/trust-eu.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "principal-root"}},
		{"axinom/trust-us.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "principal-root"}},
		{"axinom/permissions.json", policy.PermissionsDocument, lint.Options{}, []string{"s3-multipart"}},
		{"axinom/permissions-as-named.json", policy.PermissionsDocument, lint.Options{}, []string{"s3-head-bucket", "s3-list-missing", "s3-mixed-resources", "s3-multipart", "s3-operation"}},
		{"creative-force/trust.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "principal-root"}},
		{"creative-force/trust-user.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable"}},
		{"creative-force/trust-mfa.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "principal-root", "trust-mfa"}},
		{"creative-force/source.json", policy.PermissionsDocument, lint.Options{}, []string{"s3-mixed-resources"}},
		{"creative-force/delivery.json", policy.PermissionsDocument, lint.Options{}, []string{"kms-data-key", "kms-encrypt", "s3-mixed-resources", "s3-multipart", "s3-put-object-acl"}},
		{"creative-force/delivery-corrected.json", policy.PermissionsDocument, lint.Options{}, nil},
		{"creative-force/bucket-policy.json", policy.BucketDocument, lint.Options{}, []string{"bucket-direct", "bucket-encryption-header", "s3-bucket-action-on-objects", "s3-put-object-acl"}},
		{"creative-force/bucket-policy-corrected.json", policy.BucketDocument, lint.Options{}, []string{"bucket-direct", "bucket-encryption-header", "s3-put-object-acl"}},
		{"vtk/trust-as-printed.txt", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "json-comment", "trust-environments"}},
		{"vtk/trust.json", policy.TrustDocument, lint.Options{}, []string{"external-id-guessable", "trust-environments"}},
		{"vtk/trust.json", policy.TrustDocument, lint.Options{Kit: vtk, Organization: "acme", Others: []string{staging}}, []string{"external-id-guessable", "trust-environments"}},
		{"vtk/trust-without-id.json", policy.TrustDocument, lint.Options{}, []string{"external-id-missing"}},
		{"vtk/download.json", policy.PermissionsDocument, lint.Options{}, nil},
		{"vtk/upload.json", policy.PermissionsDocument, lint.Options{}, []string{"s3-head-bucket", "s3-multipart"}},
		{"vtk/upload.json", policy.PermissionsDocument, lint.Options{Kit: vtk}, []string{"access-missing", "grant-missing", "s3-head-bucket", "s3-multipart", "s3-unneeded"}},
	} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "field", c.file))
		if err != nil {
			t.Fatal(err)
		}
		r := check(t, data, c.options)
		if r.Kind != c.kind {
			t.Errorf("%s: kind %q, not %q", c.file, r.Kind, c.kind)
		}
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Rule)
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.file, diff)
		}
		if len(c.want) == 0 && r.Fixed != nil {
			t.Errorf("%s: nothing is wrong and it was fixed to %s", c.file, r.Fixed)
		}
	}
}

// TestFieldIsWhole checks that no document of the field is left out above.
func TestFieldIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("lint_test.go")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob("../../testdata/field/*/cases.json")
	if err != nil || len(cases) == 0 {
		t.Fatal(err, cases)
	}
	for _, name := range cases {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var field struct{ Documents []struct{ File string } }
		if err := json.Unmarshal(data, &field); err != nil {
			t.Fatal(err)
		}
		for _, d := range field.Documents {
			if file := filepath.Base(filepath.Dir(name)) + "/" + d.File; !bytes.Contains(text, []byte(`{"`+file+`", `)) {
				t.Errorf("%s is not linted", file)
			}
		}
	}
}

// TestAWS checks that policies of AWS's own pages have no finding at error.
func TestAWS(t *testing.T) {
	t.Parallel()
	pages, err := os.ReadFile("testdata/aws/pages.txt")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(pages)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		count++
		if len(words) != 3 || !strings.HasPrefix(words[2], "https://docs.aws.amazon.com/") {
			t.Fatalf("%q is not a file, a kind and a page", line)
		}
		data, err := os.ReadFile(filepath.Join("testdata", "aws", words[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []lint.Options{{}, {Kind: policy.Kind(words[1])}} {
			r := check(t, data, o)
			if string(r.Kind) != words[1] {
				t.Errorf("%s: kind %q", words[0], r.Kind)
			}
			for _, f := range r.Findings {
				if f.Severity == lint.Error {
					t.Errorf("%s: %s: %s %s", words[0], f.Rule, f.Pointer, f.Message)
				}
			}
		}
	}
	if files, _ := filepath.Glob("testdata/aws/*.json"); len(files) != count || count < 20 {
		t.Errorf("%d pages are listed, %d policies are there", count, len(files))
	}
}

// TestGenerated checks that what we generate, we find nothing wrong with.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for name, c := range connections {
		for _, form := range []policy.TrustForm{policy.ByPrincipal, policy.ByAccount} {
			request := policy.KitRequest{
				Connection: c, Principals: []string{strings.Replace(production, "arn:aws:", "arn:"+rolecall.PartitionOf(c.Region)+":", 1)},
				ExternalIDs: []string{goodID}, Form: form,
			}
			kit, err := policy.Generate(request)
			if err != nil {
				t.Fatal(err)
			}
			for kind, d := range map[policy.Kind]*policy.Document{
				policy.TrustDocument: kit.Trust, policy.PermissionsDocument: kit.Permissions, policy.BucketDocument: kit.Bucket, policy.KeyDocument: kit.Key, policy.WorkerDocument: kit.Worker,
			} {
				if d == nil {
					continue
				}
				for _, o := range []lint.Options{{}, {Kit: &request, Kind: kind}} {
					r := check(t, d.JSON(), o)
					if r.Kind != kind || len(r.Findings) > 0 {
						t.Errorf("%s, %s: %q %+v in %s", name, kind, r.Kind, r.Findings, d.JSON())
					}
				}
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	r := check(t, []byte("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Sid\": \"ümlaut\", \"Effect\": \"Allow\", \"Action\": \"s3:HeadBucket\", \"Resource\": \"*\"}]\n}"), lint.Options{})
	found := of(r, "s3-head-bucket")
	if len(found) != 1 {
		t.Fatalf("%+v", r)
	}
	want := lint.Finding{
		Rule: "s3-head-bucket", Severity: lint.Error, Pointer: "/Statement/0/Action",
		Message: found[0].Message, Hint: found[0].Hint, Line: 3, Column: 64, Fixed: true, Widens: true,
	}
	if diff := cmp.Diff(want, found[0], cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".at" }, cmp.Ignore())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSeveralDocuments(t *testing.T) {
	t.Parallel()
	data := []byte("# Trust\n```json\n{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"sts:AssumeRole\"}]}\n```\nand\n```json\n{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:HeadBucket\", \"Resource\": \"arn:aws:s3:::b\"}]}\n```\n")
	r := lint.Check([]lint.File{{Name: "paste.md", Data: data}}, lint.Options{})
	if len(r.Files) != 2 || r.Files[0].Document != 1 || r.Files[1].Document != 2 || r.Files[0].Kind != policy.TrustDocument || r.Files[1].Kind != policy.PermissionsDocument {
		t.Fatalf("%+v", r)
	}
	if found := of(r.Files[1], "s3-head-bucket"); len(found) != 1 || found[0].Line != 7 {
		t.Errorf("%+v", r.Files[1])
	}
	if r.Worst() != lint.Error {
		t.Errorf("worst is %q", r.Worst())
	}
}

func TestReportShape(t *testing.T) {
	t.Parallel()
	r := lint.Check([]lint.File{{Name: "p.json", Data: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Action":"s3:ListBucket"}]}`)}, {Name: "empty.json"}}, lint.Options{})
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"files":[{"file":"p.json","kind":"permissions","findings":[{"rule":"member-twice","severity":"error","pointer":"/Statement/0/Action",` +
		`"message":"\"Action\" is given twice","hint":"Customer: keep one of the two","line":1,"column":109,"fixed":true,"widens":false}],` +
		`"fixed":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"}]}},` +
		`{"file":"empty.json","kind":"","findings":[{"rule":"json-syntax","severity":"error","pointer":"","message":"there is no JSON object here",` +
		`"hint":"You: copy the whole document again, as JSON, from its first brace to its last; YAML and Terraform's own syntax are not read","line":1,"column":1,"fixed":false,"widens":false}]}]}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	data := []byte("{\"Version\": \"2012-10-17\",\n\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:HeadBucket\", \"Resource\": \"arn:aws:s3:::b\"}]}")
	out := lint.Check([]lint.File{{Name: "policies/of acme.json", Data: data}}, lint.Options{}).SARIF()
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID, HelpURI string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	result := run.Results[0]
	place := result.Locations[0].PhysicalLocation
	if log.Version != "2.1.0" || len(run.Tool.Driver.Rules) != len(lint.Rules()) || result.RuleID != "s3-head-bucket" || result.Level != "error" ||
		run.Tool.Driver.Rules[result.RuleIndex].ID != "s3-head-bucket" || place.ArtifactLocation.URI != "policies/of%20acme.json" ||
		place.Region.StartLine != 2 || place.Region.StartColumn != 45 {
		t.Errorf("%s", out)
	}
}

func TestNothingWrong(t *testing.T) {
	t.Parallel()
	r := lint.Check(nil, lint.Options{})
	if out, _ := json.Marshal(r); string(out) != `{"files":[]}` || r.Worst() != "" {
		t.Errorf("%s", out)
	}
	if !bytes.Contains(r.SARIF(), []byte(`"results": []`)) {
		t.Error("a SARIF log without findings has an empty list of results")
	}
}

// What a policy holds does not steer the terminal that its report is shown on,
// and arrives as it is where the report is read.
func TestSARIFIsPrintable(t *testing.T) {
	t.Parallel()
	for name, hostile := range map[string]string{
		"escape": "\x1b[2J\x1b]0;x\a", "C1": "\u009b31m", "bidi": "\u202eevil\u2066", "delete": "\x7f", "line": "\u2028", "beyond": "\U000e0041", "tag": "</script>",
	} {
		sid, err := json.Marshal(hostile)
		if err != nil {
			t.Fatal(err)
		}
		data := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Sid": %[1]s, "Effect": "Allow", "Action": %[1]s, "Resource": %[1]s}]}`, sid)
		out := lint.Check([]lint.File{{Name: hostile + ".json", Data: []byte(data)}}, lint.Options{}).SARIF()
		for _, r := range string(out) {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U is printed", name, r)
			}
		}
		if !json.Valid(out) {
			t.Errorf("%s: not JSON: %s", name, out)
		}
	}
}
