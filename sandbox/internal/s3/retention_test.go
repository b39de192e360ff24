package s3

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestObjectRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.now.get()
	version := *w.put("locked", "k", "x").VersionId
	retention := func(mode string, days int) string {
		return "<Retention><Mode>" + mode + "</Mode><RetainUntilDate>" + now.AddDate(0, 0, days).UTC().Format(time.RFC3339) + "</RetainUntilDate></Retention>"
	}
	bypass := []string{"x-amz-bypass-governance-retention", "true"}
	denied := ""
	for _, step := range []struct {
		name, body string
		header     []string
		denied     string // the action that the caller does not have
		status     int
		code       string
		then       string // what GetObjectRetention answers with, in part
	}{
		{name: "longer", body: retention("GOVERNANCE", 5), status: 200, then: "<Mode>GOVERNANCE</Mode>"},
		{name: "shorter", body: retention("GOVERNANCE", 4), status: 403, code: "AccessDenied"},
		{name: "none", body: "<Retention></Retention>", status: 403, code: "AccessDenied"},
		{name: "bypassed without permission", body: retention("GOVERNANCE", 4), header: bypass, denied: "s3:BypassGovernanceRetention", status: 403, code: "AccessDenied"},
		{name: "without permission", body: retention("GOVERNANCE", 6), denied: "s3:PutObjectRetention", status: 403, code: "AccessDenied"},
		{name: "shorter, bypassed", body: retention("GOVERNANCE", 4), header: bypass, status: 200, then: "<Mode>GOVERNANCE</Mode>"},
		{name: "none, bypassed", body: "<Retention/>", header: bypass, status: 200, then: "NoSuchObjectLockConfiguration"},
		{name: "in the past", body: retention("GOVERNANCE", -1), status: 400, code: "InvalidArgument"},
		{name: "no mode", body: retention("", 1), status: 400, code: "MalformedXML"},
		{name: "another mode", body: retention("governance", 1), status: 400, code: "MalformedXML"},
		{name: "no date", body: "<Retention><Mode>GOVERNANCE</Mode></Retention>", status: 400, code: "MalformedXML"},
		{name: "another document", body: "<LegalHold><Status>ON</Status></LegalHold>", status: 400, code: "MalformedXML"},
		{name: "once more", body: retention("GOVERNANCE", 4), status: 200, then: "<Mode>GOVERNANCE</Mode>"},
		{name: "stricter", body: retention("COMPLIANCE", 4), status: 403, code: "AccessDenied"},
		{name: "stricter, bypassed", body: retention("COMPLIANCE", 4), header: bypass, status: 200, then: "<Mode>COMPLIANCE</Mode>"},
		{name: "looser, bypassed", body: retention("GOVERNANCE", 9), header: bypass, status: 403, code: "AccessDenied"},
		{name: "shorter of the strict, bypassed", body: retention("COMPLIANCE", 3), header: bypass, status: 403, code: "AccessDenied"},
		{name: "longer of the strict", body: retention("COMPLIANCE", 6), status: 200, then: now.AddDate(0, 0, 6).UTC().Format("<RetainUntilDate>2006-01-02")},
	} {
		if step.denied != denied {
			denied = step.denied
			w.denying(denied)
		}
		answer, body := w.do("PUT", "/locked/k?retention&versionId="+version, step.body, step.header...)
		if answer.StatusCode != step.status || !strings.Contains(body, step.code) {
			t.Errorf("%s: %d %s", step.name, answer.StatusCode, body)
		}
		if _, body := w.do("GET", "/locked/k?retention", ""); !strings.Contains(body, step.then) {
			t.Errorf("%s: then %s, want %s", step.name, body, step.then)
		}
	}
	if answer, _ := w.do("DELETE", "/locked/k?versionId="+version, "", bypass...); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a retained version is deleted: %d", answer.StatusCode)
	}
}

func TestObjectLegalHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	version := *w.put("locked", "k", "x").VersionId
	bypass := []string{"x-amz-bypass-governance-retention", "true"}
	hold := func(status string) (int, string) {
		answer, body := w.do("PUT", "/locked/k?legal-hold", "<LegalHold><Status>"+status+"</Status></LegalHold>")
		return answer.StatusCode, body
	}
	if _, body := w.do("GET", "/locked/k?legal-hold", ""); !strings.Contains(body, "NoSuchObjectLockConfiguration") {
		t.Errorf("never set: %s", body)
	}
	if status, body := hold("abc"); status != 400 || !strings.Contains(body, "MalformedXML") {
		t.Errorf("neither: %d %s", status, body)
	}
	for _, status := range []string{"ON", "OFF", "ON"} {
		if code, body := hold(status); code != http.StatusOK {
			t.Errorf("%s: %d %s", status, code, body)
		}
		if _, body := w.do("GET", "/locked/k?legal-hold", ""); !strings.Contains(body, "<Status>"+status+"</Status>") {
			t.Errorf("%s: %s", status, body)
		}
	}
	if answer, _ := w.do("DELETE", "/locked/k?versionId="+version, "", bypass...); answer.StatusCode != http.StatusForbidden {
		t.Errorf("deleted under a hold: %d", answer.StatusCode)
	}
	hold("OFF")
	if answer, _ := w.do("DELETE", "/locked/k?versionId="+version, "", bypass...); answer.StatusCode != http.StatusNoContent {
		t.Errorf("held without a hold: %d", answer.StatusCode)
	}
}

func TestLockOfABucketWithoutLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "x")
	for method, body := range map[string]string{"GET": "", "PUT": "<LegalHold><Status>ON</Status></LegalHold>"} {
		if answer, body := w.do(method, "/plain/k?legal-hold", body); answer.StatusCode != 400 || !strings.Contains(body, "Bucket is missing Object Lock Configuration") {
			t.Errorf("%s hold: %d %s", method, answer.StatusCode, body)
		}
	}
	if answer, body := w.do("GET", "/plain/k?retention", ""); answer.StatusCode != 400 || !strings.Contains(body, "InvalidRequest") {
		t.Errorf("retention: %d %s", answer.StatusCode, body)
	}
}
