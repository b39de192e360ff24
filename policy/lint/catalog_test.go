package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCatalog(t *testing.T) {
	t.Parallel()
	f := catalog()
	if _, err := time.Parse(time.DateOnly, f.date); err != nil {
		t.Error(err)
	}
	if want := []string{"s3", "sts", "kms", "iam"}; !slices.Equal(f.services, want) {
		t.Errorf("services are %v", f.services)
	}
	for service, least := range map[string]int{"s3": 150, "sts": 10, "kms": 50, "iam": 150} {
		if n := len(f.names[service]); n < least {
			t.Errorf("%s has %d actions", service, n)
		}
	}
	levels := []string{"list", "read", "write", "permissions", "tagging"}
	form := regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z0-9]+$`)
	for _, a := range f.actions {
		if !slices.Contains(levels, a.level) || !form.MatchString(a.name) {
			t.Errorf("%+v", a)
		}
		for _, k := range a.keys {
			if !keyIn(f.keys, k) {
				t.Errorf("%s has the key %s, which is not among the keys", a.name, k)
			}
		}
	}
}

// TestCatalogKnows checks facts that rules rest on.
func TestCatalogKnows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action        string
		bucket        bool
		object        bool
		keys, without []string
	}{
		{"s3:GetObject", false, true, []string{"s3:ExistingObjectTag/team", "aws:SourceIp"}, []string{"s3:prefix", "s3:x-amz-acl", "sts:ExternalId"}},
		{"s3:ListBucket", true, false, []string{"s3:prefix", "s3:delimiter", "S3:Prefix"}, []string{"s3:x-amz-acl"}},
		{"s3:PutObject", false, true, []string{"s3:x-amz-server-side-encryption", "s3:x-amz-acl", "s3:if-none-match"}, []string{"s3:prefix"}},
		{"s3:AbortMultipartUpload", false, true, nil, []string{"s3:prefix"}},
		{"s3:ListMultipartUploadParts", false, true, nil, nil},
		{"s3:ListBucketMultipartUploads", true, false, nil, nil},
		{"s3:GetBucketLocation", true, false, nil, nil},
		{"s3:ListAllMyBuckets", false, false, nil, nil},
		{"kms:Decrypt", false, false, []string{"kms:ViaService", "kms:EncryptionContext:aws:s3:arn"}, []string{"s3:prefix"}},
		{"kms:GenerateDataKey", false, false, []string{"kms:ViaService"}, nil},
		{"sts:AssumeRole", false, false, []string{"sts:ExternalId", "sts:RoleSessionName", "aws:PrincipalArn", "aws:MultiFactorAuthPresent"}, []string{"s3:prefix"}},
	} {
		a := exact(c.action)
		if a == nil {
			t.Errorf("%s is not known", c.action)
			continue
		}
		if a.on("bucket") != c.bucket || a.on("object") != c.object {
			t.Errorf("%s works on %v", c.action, a.resources)
		}
		for _, k := range c.keys {
			if !a.hasKey(k) {
				t.Errorf("%s has no %s", c.action, k)
			}
		}
		for _, k := range c.without {
			if a.hasKey(k) {
				t.Errorf("%s has %s", c.action, k)
			}
		}
	}
	for _, name := range []string{"s3:HeadBucket", "s3:ListObjects", "s3:ListBucketMultipartUpload", "kms:Encrypts"} {
		if exact(name) != nil {
			t.Errorf("%s is known", name)
		}
	}
	for operation, name := range s3Operations {
		if exact("s3:"+operation) != nil {
			t.Errorf("%s is an action too", operation)
		}
		if exact("s3:"+name) == nil {
			t.Errorf("%s stands for s3:%s, which is not known", operation, name)
		}
	}
}

// TestGlobCovers checks what deny-swallows rests on: a pattern that matches
// another as a text matches all that the other does.
func TestGlobCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"a*", "a*", true},
		{"a*", "ab?", true},
		{"a?", "a*", false},
		{"a?", "ab", true},
		{"*b", "ab", true},
		{"*b", "ba", false},
		{"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxbyy", false},
		{"", "", true},
		{"", "a", false},
		{"??", "a?", true},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("glob(%q, %q) is %v", c.pattern, c.text, got)
		}
	}
}

// TestIndexListsEveryRule checks that docs/lint/README.md has a line for each rule, and no
// other.
func TestIndexListsEveryRule(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "lint", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, r := range Rules() {
		want++
		if line := "| [`" + r.Code + "`](" + r.Code + ".md) | " + string(r.Severity) + " | " + r.Title + " |\n"; !strings.Contains(string(page), line) {
			t.Errorf("the index lacks %q", line)
		}
	}
	if n := strings.Count(string(page), "\n| [`"); n != want {
		t.Errorf("the index has %d lines for %d rules", n, want)
	}
}
