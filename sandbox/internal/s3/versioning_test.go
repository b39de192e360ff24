package s3

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (w *world) setVersioning(bucket string, status types.BucketVersioningStatus) error {
	_, err := w.client.PutBucketVersioning(w.Context(), &awss3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	return err
}

// versions returns the ids of a key's versions, the newest first; those of
// delete markers have a "-" before them.
func (w *world) versions(bucket, key string) []string {
	w.Helper()
	out, err := w.client.ListObjectVersions(w.Context(), &awss3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &key})
	if err != nil {
		w.Fatal(err)
	}
	type entry struct {
		id     string
		latest bool
	}
	var list []entry
	for _, v := range out.Versions {
		list = append(list, entry{*v.VersionId, *v.IsLatest})
	}
	for _, m := range out.DeleteMarkers {
		list = append(list, entry{"-" + *m.VersionId, *m.IsLatest})
	}
	slices.SortStableFunc(list, func(a, b entry) int {
		switch {
		case a.latest == b.latest:
			return 0
		case a.latest:
			return -1
		}
		return 1
	})
	var ids []string
	for _, e := range list {
		ids = append(ids, e.id)
	}
	return ids
}

// Under suspension what is written and deleted is the version "null", and what
// was there stays.
func TestSuspendedVersioning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	holds := func(when string, want ...string) {
		t.Helper()
		if got := w.versions("plain", "k"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func(version string) *awss3.DeleteObjectOutput {
		in := &awss3.DeleteObjectInput{Bucket: aws.String("plain"), Key: aws.String("k")}
		if version != "" {
			in.VersionId = &version
		}
		out, err := w.client.DeleteObject(t.Context(), in)
		must(err)
		return out
	}
	w.put("plain", "k", "before")
	if answer, _ := w.do("GET", "/plain/k", ""); answer.Header.Get("X-Amz-Version-Id") != "" {
		t.Error("a version without versioning")
	}
	must(w.setVersioning("plain", "Enabled"))
	first := *w.put("plain", "k", "first").VersionId
	holds("enabled", first, "null")
	must(w.setVersioning("plain", "Suspended"))
	if out, err := w.client.GetBucketVersioning(t.Context(), &awss3.GetBucketVersioningInput{Bucket: aws.String("plain")}); err != nil || out.Status != "Suspended" {
		t.Errorf("the state is %v, %v", out.Status, err)
	}
	if out := w.put("plain", "k", "suspended"); out.VersionId != nil {
		t.Errorf("a write has the version %s", *out.VersionId)
	}
	holds("written", "null", first)
	if answer, body := w.do("GET", "/plain/k", ""); answer.Header.Get("X-Amz-Version-Id") != "null" || body != "suspended" {
		t.Errorf("read: %v %s", answer.Header, body)
	}
	if _, body := w.do("GET", "/plain/k?versionId="+first, ""); body != "first" {
		t.Errorf("the version before: %s", body)
	}
	w.put("plain", "k", "again")
	holds("written again", "null", first)
	if out := remove(""); !aws.ToBool(out.DeleteMarker) || *out.VersionId != "null" {
		t.Errorf("deleted: %+v", out)
	}
	holds("deleted", "-null", first)
	remove("")
	holds("deleted again", "-null", first)
	if answer, _ := w.do("HEAD", "/plain/k", ""); answer.StatusCode != http.StatusNotFound || answer.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("a deleted key: %d", answer.StatusCode)
	}
	remove("null")
	holds("without the marker", first)
	must(w.setVersioning("plain", "Enabled"))
	second := *w.put("plain", "k", "second").VersionId
	holds("enabled again", second, first)
	m := w.begin("plain", "k")
	m.part(1, []byte("parts"))
	must(w.setVersioning("plain", "Suspended"))
	if out, err := m.complete(); err != nil || out.VersionId != nil {
		t.Errorf("an upload has the version %v, %v", out.VersionId, err)
	}
	holds("uploaded", "null", second, first)
	copied, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("k"), CopySource: aws.String("plain/k?versionId=" + first),
	})
	if err != nil || copied.VersionId != nil || aws.ToString(copied.CopySourceVersionId) != first {
		t.Errorf("copied: %+v, %v", copied, err)
	}
	holds("copied", "null", second, first)
}

func TestVersioningIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantCode(w.setVersioning("locked", "Suspended"), "InvalidBucketState")
	w.wantCode(w.setVersioning("locked", "Enabled"), "")
	for document, code := range map[string]string{
		"<Status>On</Status>": "MalformedXML", "": "IllegalVersioningConfigurationException",
		"<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>":  "NotImplemented",
		"<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>": "",
	} {
		answer, body := w.do("PUT", "/plain?versioning", "<VersioningConfiguration>"+document+"</VersioningConfiguration>")
		if inside(body, "Code") != code || (answer.StatusCode == http.StatusOK) != (code == "") {
			t.Errorf("%s: %d %s", document, answer.StatusCode, body)
		}
	}
}

// A bucket with object lock retains nothing by itself, and asks for no digest.
func TestObjectLockWithoutRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if answer, body := w.do("PUT", "/lockable/k", "x"); answer.StatusCode != http.StatusOK || answer.Header.Get("X-Amz-Version-Id") == "" {
		t.Fatalf("no digest: %d %s", answer.StatusCode, body)
	}
	if answer, _ := w.do("HEAD", "/lockable/k", ""); answer.Header.Get("X-Amz-Object-Lock-Mode") != "" {
		t.Errorf("retained: %v", answer.Header)
	}
	for _, version := range w.versions("lockable", "k") {
		if answer, body := w.do("DELETE", "/lockable/k?versionId="+version, ""); answer.StatusCode != http.StatusNoContent {
			t.Errorf("deleted: %d %s", answer.StatusCode, body)
		}
	}
	retained := []string{"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"}
	if answer, body := w.do("PUT", "/lockable/k", "x", retained...); answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Content-MD5 OR x-amz-checksum-") {
		t.Errorf("retained, no digest: %d %s", answer.StatusCode, body)
	}
	_, created := w.do("POST", "/lockable/u?uploads", "", retained...)
	part := "/lockable/u?partNumber=1&uploadId=" + inside(created, "UploadId")
	if answer, body := w.do("PUT", part, "x"); answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, "for Put Part requests") {
		t.Errorf("a part that will be retained, no digest: %d %s", answer.StatusCode, body)
	}
	if answer, body := w.do("PUT", part, "x", "Content-MD5", "ndTkYSaMgDT1yFZOFVxnpg=="); answer.StatusCode != http.StatusOK {
		t.Errorf("a part with a digest: %d %s", answer.StatusCode, body)
	}
}

func TestObjectLockConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ name, bucket, rule, code string }{
		{"without versions", "plain", "", "InvalidBucketState"},
		{"disabled", "lockable", "-", "MalformedXML"},
		{"days and years", "lockable", "<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>", "MalformedXML"},
		{"neither", "lockable", "<Mode>GOVERNANCE</Mode>", "MalformedXML"},
		{"unknown mode", "lockable", "<Mode>governance</Mode><Days>1</Days>", "MalformedXML"},
		{"no mode", "lockable", "<Days>1</Days>", "MalformedXML"},
		{"no days", "lockable", "<Mode>GOVERNANCE</Mode><Days>0</Days>", "InvalidArgument"},
		{"negative", "lockable", "<Mode>GOVERNANCE</Mode><Years>-1</Years>", "InvalidArgument"},
		{"too long", "lockable", "<Mode>GOVERNANCE</Mode><Years>101</Years>", "InvalidArgument"},
		{"years", "versioned", "<Mode>COMPLIANCE</Mode><Years>2</Years>", ""},
		{"days", "lockable", "<Mode>GOVERNANCE</Mode><Days>3</Days>", ""},
		{"no default any more", "locked", "", ""},
	} {
		enabled := "Enabled"
		rule := "<Rule><DefaultRetention>" + c.rule + "</DefaultRetention></Rule>"
		switch c.rule {
		case "":
			rule = ""
		case "-":
			enabled, rule = "Disabled", ""
		}
		target := "/" + c.bucket + "?object-lock"
		answer, body := w.do("PUT", target, "<ObjectLockConfiguration><ObjectLockEnabled>"+enabled+"</ObjectLockEnabled>"+rule+"</ObjectLockConfiguration>")
		if inside(body, "Code") != c.code || (answer.StatusCode == http.StatusOK) != (c.code == "") {
			t.Errorf("%s: %d %s", c.name, answer.StatusCode, body)
		}
		if _, body := w.do("GET", target, ""); c.code == "" && inside(body, "DefaultRetention") != c.rule {
			t.Errorf("%s: read back %s", c.name, body)
		}
	}
	if answer, body := w.do("GET", "/plain?object-lock", ""); answer.StatusCode != http.StatusNotFound || inside(body, "Code") != "ObjectLockConfigurationNotFoundError" {
		t.Errorf("none: %d %s", answer.StatusCode, body)
	}
	w.put("lockable", "k", "x")
	if answer, _ := w.do("HEAD", "/lockable/k", ""); answer.Header.Get("X-Amz-Object-Lock-Retain-Until-Date") != "2026-11-24T10:00:00Z" {
		t.Errorf("retained by default: %v", answer.Header)
	}
}
