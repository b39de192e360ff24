package s3

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestDeleteObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []types.ObjectIdentifier
	for i := range 3 {
		key := fmt.Sprint("k", i)
		w.put("plain", key, "x")
		ids = append(ids, types.ObjectIdentifier{Key: &key})
	}
	ids = append(ids, types.ObjectIdentifier{Key: aws.String("never was")}, types.ObjectIdentifier{Key: aws.String(strings.Repeat("k", 1025))})
	in := &awss3.DeleteObjectsInput{Bucket: aws.String("plain"), Delete: &types.Delete{Objects: ids}}
	out, err := w.client.DeleteObjects(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 4 || len(out.Errors) != 1 || *out.Errors[0].Code != "KeyTooLongError" {
		t.Errorf("deleted %v, errors %v", out.Deleted, out.Errors)
	}
	w.wantNoFiles()
	in.Delete.Quiet = aws.Bool(true)
	w.denying("s3:DeleteObject")
	out, err = w.client.DeleteObjects(t.Context(), in)
	if err != nil || len(out.Deleted) != 0 || len(out.Errors) != 5 || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("denied: %v, %v", out, err)
	}
}

func TestDeleteObjectsRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if answer, body := w.do("POST", "/plain?delete", "<Delete><Object><Key>k</Key></Object></Delete>"); !strings.Contains(body, "Content-MD5") {
		t.Errorf("no digest: %d %s", answer.StatusCode, body)
	}
	for _, document := range []string{
		"", "x", "<Delete>", "<Delete/>", "<Other/>", "<Delete><Object><Key>k</Key></Object></Delete><Delete/>",
		"<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>",
	} {
		sums := newSummer(defaultChecksum)
		sums.sum.Write([]byte(document))
		answer, body := w.do("POST", "/plain?delete", document, checksumHeader(defaultChecksum), sums.checksum().value)
		if answer.StatusCode != 400 || !strings.Contains(body, "MalformedXML") {
			t.Errorf("%.40q: %d %s", document, answer.StatusCode, body)
		}
	}
}

func TestConditionalDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	etag := *w.put("plain", "k", "x").ETag
	if answer, body := w.do("DELETE", "/plain/k", "", "If-Match", `"other"`); answer.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("another ETag: %d %s", answer.StatusCode, body)
	}
	out, err := w.client.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{Bucket: aws.String("plain"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("k"), ETag: aws.String(`"other"`)}},
	}})
	if err != nil || len(out.Errors) != 1 || *out.Errors[0].Code != "PreconditionFailed" {
		t.Errorf("another ETag of many: %v, %v", out, err)
	}
	if answer, body := w.do("DELETE", "/plain/k", "", "If-Match", etag); answer.StatusCode != http.StatusNoContent {
		t.Errorf("its ETag: %d %s", answer.StatusCode, body)
	}
	if answer, body := w.do("DELETE", "/plain/k", "", "If-Match", etag); answer.StatusCode != http.StatusNotFound {
		t.Errorf("gone: %d %s", answer.StatusCode, body)
	}
}

func TestObjectLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, body := w.do("PUT", "/locked/k", "x")
	if answer.StatusCode != 400 || !strings.Contains(body, "Content-MD5 OR x-amz-checksum-") {
		t.Errorf("no digest: %d %s", answer.StatusCode, body)
	}
	put := func(change func(*awss3.PutObjectInput)) string { return *w.put("locked", "k", "x", change).VersionId }
	remove := func(version string, header ...string) int {
		answer, _ := w.do("DELETE", "/locked/k?versionId="+version, "", header...)
		return answer.StatusCode
	}
	bypass := []string{"x-amz-bypass-governance-retention", "true"}
	year := aws.Time(w.now.get().AddDate(1, 0, 0))
	byDefault := put(func(*awss3.PutObjectInput) {})
	strict := put(func(in *awss3.PutObjectInput) {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeCompliance, year
	})
	held := put(func(in *awss3.PutObjectInput) { in.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn })
	for _, version := range []string{byDefault, strict, held} {
		if status := remove(version); status != http.StatusForbidden {
			t.Errorf("a locked version: %d", status)
		}
	}
	if status := remove(strict, bypass...); status != http.StatusForbidden {
		t.Errorf("compliance mode bypassed: %d", status)
	}
	w.denying("s3:BypassGovernanceRetention")
	if status := remove(byDefault, bypass...); status != http.StatusForbidden {
		t.Errorf("bypassed without permission: %d", status)
	}
	w.denying()
	if status := remove(byDefault, bypass...); status != http.StatusNoContent {
		t.Errorf("governance mode: %d", status)
	}
	w.now.add(25 * time.Hour)
	if status := remove(held); status != http.StatusForbidden {
		t.Errorf("a legal hold ended by itself: %d", status)
	}
	if answer, _ := w.do("DELETE", "/locked/k", ""); answer.StatusCode != http.StatusNoContent {
		t.Errorf("a delete marker over a locked version: %d", answer.StatusCode)
	}
	for name, header := range map[string][]string{
		"mode alone": {"x-amz-object-lock-mode", "GOVERNANCE"},
		"past":       {"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2020-01-01T00:00:00Z"},
		"no date":    {"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "soon"},
		"no mode":    {"x-amz-object-lock-mode", "GLUE", "x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"},
		"hold":       {"x-amz-object-lock-legal-hold", "MAYBE"},
	} {
		if answer, body := w.do("PUT", "/locked/x", "x", header...); answer.StatusCode != 400 || !strings.Contains(body, "InvalidArgument") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}
