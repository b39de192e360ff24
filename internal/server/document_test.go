package server_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"

	"github.com/rolecall/rolecall/internal/account"
)

// documented is what the OpenAPI document says of each exchange.
var documented = sync.OnceValues(func() (validator.Validator, error) {
	text, err := os.ReadFile("../api/testdata/openapi.json")
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	// Strict: a member that the document does not have is one that no client
	// knows of. What policies and declared connections hold is not ours.
	v, faults := validator.NewValidator(document, config.WithFormatAssertions(), config.WithoutSecurityValidation(), config.WithStrictMode(),
		config.WithStrictIgnoredHeadersExtra("X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "WWW-Authenticate"),
		config.WithStrictIgnorePaths("$.body.**.policy.**", "$.body.**.connection.**", "$.body.policies.**", "$.body.identity[*].**", "$.body.change.edits[*].document.**", "$.body.candidates[*].add.**", "$.body.files[*].fixed.**",
			"$.body.trust.**", "$.body.permissions.**", "$.body.bucket.**", "$.body.key.**", "$.body.worker.**", "$.body.revocation.**"))
	if len(faults) > 0 {
		return nil, faults[0]
	}
	return v, nil
})

// asDocumented checks an exchange against the OpenAPI document: status, content
// type and body of every answer, and what was sent where it was accepted. Paths
// beside the document answer errors only.
func asDocumented(t testing.TB, sent *http.Request, body []byte, got reply) {
	t.Helper()
	if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		return
	}
	sent.Header.Del("Cookie")                                                                                                              // of a session; its name is not always the same
	if problem := got.status >= http.StatusBadRequest; problem && !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") { // of a container's credentials
		asProblem(t, sent, got)
		if got.status == http.StatusNotFound && strings.Contains(string(got.body), "there is no such path") || got.status == http.StatusMisdirectedRequest || got.status == http.StatusMethodNotAllowed {
			return
		}
	}
	switch path := sent.URL.Path; {
	case path == "/api/openapi.json", !strings.HasPrefix(path, "/api/"), strings.Contains(sent.URL.RawPath, "%2f"): // of which the validator knows no path
		return
	case got.header.Get("Content-Type") == "application/jsonl": // which the validator takes for one document
		for line := range bytes.Lines(got.body) {
			read[map[string]any](t, reply{body: line})
		}
		return
	}
	v, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	answer := &http.Response{StatusCode: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)), Request: sent}
	ok, faults := v.ValidateHttpResponse(sent, answer)
	// Who has a setup link gives only what its maker left blank.
	if setup := strings.HasPrefix(sent.Header.Get("Authorization"), "Bearer "+account.SetupPrefix); ok && got.status < http.StatusBadRequest && !setup {
		sent.Body = io.NopCloser(bytes.NewReader(body))
		ok, faults = v.ValidateHttpRequest(sent)
	}
	if !ok {
		t.Errorf("%s %s: %d is not as the OpenAPI document says: %s\n%s", sent.Method, sent.URL, got.status, reasons(faults), shortened(got.body))
	}
}

// shortened is the beginning of a body.
func shortened(body []byte) []byte { return body[:min(len(body), 500)] }

func reasons(faults []*errors.ValidationError) string {
	var b strings.Builder
	for _, f := range faults[:min(len(faults), 5)] {
		b.WriteString("\n  " + f.Message + ": " + f.Reason)
		for _, s := range f.SchemaValidationErrors {
			b.WriteString("\n    " + s.FieldPath + ": " + s.Reason)
		}
	}
	return b.String()
}

// asProblem checks what every answer of an error has.
func asProblem(t testing.TB, sent *http.Request, got reply) {
	t.Helper()
	p := read[struct {
		Type, Title, Detail string
		Status              int
		Errors              []struct{ Code, Message, Hint string }
	}](t, got)
	whole := got.header.Get("Content-Type") == "application/problem+json" && p.Status == got.status && p.Title != "" && p.Detail != "" && strings.HasPrefix(p.Type, "/problems/") && len(p.Errors) > 0
	for _, e := range p.Errors {
		if e.Code == "" || e.Message == "" || e.Hint == "" {
			t.Errorf("%s %s: an error lacks its code, message or hint: %+v", sent.Method, sent.URL, e)
		}
	}
	if again := got.status == http.StatusTooManyRequests || got.status == http.StatusServiceUnavailable; again && got.header.Get("Retry-After") == "" {
		whole = false
	}
	if !whole {
		t.Errorf("%s %s: %d is no whole problem: %v\n%s", sent.Method, sent.URL, got.status, got.header, shortened(got.body))
	}
}
