package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/service"
)

// Whoever is signed in may ask what is wrong with a policy, what policies decide
// and what a refusal means.
func TestPolicyTools(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.must(http.StatusCreated, http.MethodPut, "/api/o/acme/connections/masters", `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
	token := func(body string) string {
		return read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", body)).Secret
	}
	viewer, bound := token(`{"role":"viewer"}`), token(`{"role":"credentials","connection":"masters","access":"read"}`)
	const (
		lint     = `{"documents":[{"name":"trust.json","text":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\"}]}"},{"text":"{oops"}],"kind":"trust"}`
		simulate = `{"principal":"arn:aws:iam::111122223333:role/media","action":"s3:GetObject","resource":"arn:aws:s3:::acme-masters/a","identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::other/*"}]}]}`
		refusal  = `{"message":"User: arn:aws:iam::999988887777:role/worker is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/media"}`
	)
	for path, c := range map[string]struct{ body, want, wrong, at string }{
		"lint":     {lint, `"severity":"error"`, `{"documents":[],"kind":"scp"}`, "/kind"},
		"simulate": {simulate, `"decision":"implicitly_denied"`, `{"principal":"x"}`, "/action"},
		"explain":  {refusal, "sts:AssumeRole", `{"message":""}`, "/message"},
	} {
		at := "/api/policy/" + path
		if got := w.do(viewer, http.MethodPost, at, c.body); got.status != http.StatusOK || !strings.Contains(string(got.body), c.want) {
			t.Errorf("%s: %d\n%s", path, got.status, got.body)
		}
		if got := w.do(viewer, http.MethodPost, at, c.wrong); got.status != http.StatusUnprocessableEntity || !strings.Contains(string(got.body), `"pointer":"`+c.at+`"`) {
			t.Errorf("%s: %d\n%s", path, got.status, got.body)
		}
		for token, want := range map[string]int{"": http.StatusUnauthorized, bound: http.StatusForbidden} {
			if got := w.do(token, http.MethodPost, at, "{"); got.status != want {
				t.Errorf("%s: %d, want %d", path, got.status, want)
			}
		}
	}
}
