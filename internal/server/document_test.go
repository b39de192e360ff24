package server_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/api/apitest"
)

// openAPI is the OpenAPI document.
const openAPI = "../api/testdata/openapi.json"

// documented is what the OpenAPI document says of each exchange.
var documented = sync.OnceValues(func() (validator.Validator, error) {
	text, err := os.ReadFile(openAPI)
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

// asDocumented checks an exchange against the OpenAPI document: the answer, and
// what was sent where it was accepted.
func asDocumented(t testing.TB, sent *http.Request, body []byte, got reply) {
	t.Helper()
	if !answersAsDocumented(t, sent, got) || got.status >= http.StatusBadRequest {
		return
	}
	// Who has a setup link gives only what its maker left blank.
	if strings.HasPrefix(sent.Header.Get("Authorization"), "Bearer "+account.SetupPrefix) {
		return
	}
	v, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	sent.Body = io.NopCloser(bytes.NewReader(body))
	if ok, faults := v.ValidateHttpRequest(sent); !ok {
		t.Errorf("%s %s was accepted, and is not as the OpenAPI document says: %s\n%s", sent.Method, sent.URL, reasons(faults), shortened(body))
	}
}

// answersAsDocumented checks status, content type and body of an answer. Paths
// beside the document answer errors only. It reports whether the document says
// something of the request.
func answersAsDocumented(t testing.TB, sent *http.Request, got reply) bool {
	t.Helper()
	kind := got.header.Get("Content-Type")
	if strings.HasPrefix(kind, "text/html") {
		return false
	}
	sent.Header.Del("Cookie") // of a session; its name is not always the same
	op := operationOf(sent)
	of := map[string]bool{"application/json": op.ID == "getCredentials", "text/plain; charset=utf-8": op.ID == "getReadiness"} // errors in a form of their own
	if got.status >= http.StatusBadRequest && !of[kind] {
		asProblem(t, sent, got)
		if got.status == http.StatusNotFound && strings.Contains(string(got.body), "there is no such path") || got.status == http.StatusMisdirectedRequest || got.status == http.StatusMethodNotAllowed {
			return false
		}
	}
	switch {
	case strings.Contains(sent.URL.RawPath, "%2f"), op.ID == "" && !strings.HasPrefix(sent.URL.Path, "/api/"): // of which the validator knows no path
		return false
	case op.ID == "":
		t.Errorf("%s %s: %d, and the OpenAPI document has no such operation", sent.Method, sent.URL, got.status)
		return false
	}
	status := strconv.Itoa(got.status)
	if _, listed := op.Answers[status]; !listed {
		t.Errorf("%s %s: the OpenAPI document does not list %d for %s\n%s", sent.Method, sent.URL, got.status, op.ID, shortened(got.body))
	}
	answered.Store(op.ID+" "+status, true)
	switch kind {
	case "application/openapi+json":
		return false
	case "application/jsonl": // which the validator takes for one document
		for line := range bytes.Lines(got.body) {
			read[map[string]any](t, reply{body: line})
		}
		return false
	}
	v, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	answer := &http.Response{StatusCode: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)), Request: sent}
	if ok, faults := v.ValidateHttpResponse(sent, answer); !ok {
		t.Errorf("%s %s: %d is not as the OpenAPI document says: %s\n%s", sent.Method, sent.URL, got.status, reasons(faults), shortened(got.body))
	}
	return true
}

// allOperations are those of the OpenAPI document.
var allOperations = sync.OnceValue(func() []apitest.Operation {
	return apitest.Read(openAPI).Operations()
})

// operationPaths finds the operation that a request is to, by its pattern.
var operationPaths = sync.OnceValues(func() (*http.ServeMux, map[string]apitest.Operation) {
	mux, found := http.NewServeMux(), map[string]apitest.Operation{}
	for _, op := range allOperations() {
		found[op.Method+" "+op.Path] = op
		mux.Handle(op.Method+" "+op.Path, http.NotFoundHandler())
	}
	return mux, found
})

// operationOf returns the operation that a request is to; one without an ID if
// there is none.
func operationOf(sent *http.Request) apitest.Operation {
	mux, found := operationPaths()
	_, pattern := mux.Handler(sent)
	return found[pattern]
}

// answered are the operations that were answered, with the status: what was not
// was not compared with the document.
var answered sync.Map

// unanswered returns which operations no test had done.
func unanswered() (out []string) {
	for _, op := range allOperations() {
		for status := range op.Answers {
			if _, ok := answered.Load(op.ID + " " + status); !ok && status < "300" {
				out = append(out, op.ID+" "+status)
			}
		}
	}
	slices.Sort(out)
	return out
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
