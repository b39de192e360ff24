package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/rolecall/rolecall"
)

// Error is what the service answers where it does not do what was asked for.
// errors.As finds its rolecall.Errors, and errors.Is compares codes:
//
//	errors.Is(err, &rolecall.Error{Code: rolecall.NotFound})
type Error struct {
	Status     int             // of HTTP
	RequestID  string          // finds it in the operator's log
	RetryAfter time.Duration   // zero: the service does not say
	Errors     rolecall.Errors // at least one
}

// Error returns the messages, one a line.
func (e *Error) Error() string { return e.Errors.Error() }

// Unwrap returns the errors as rolecall has them everywhere.
func (e *Error) Unwrap() error { return e.Errors }

// Is reports whether target is a *rolecall.Error of the first error's code,
// which has nothing but that.
func (e *Error) Is(target error) bool {
	code, ok := target.(*rolecall.Error)
	return ok && *code == rolecall.Error{Code: e.Errors[0].Code}
}

// codes are what statuses mean where no problem came with them, but a page of
// something in between.
func codeOf(status int) rolecall.Code {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return rolecall.Unauthenticated
	case http.StatusForbidden:
		return rolecall.Forbidden
	case http.StatusNotFound:
		return rolecall.NotFound
	}
	return rolecall.Unavailable
}

// problem reads an answer of an error.
func problem(r *http.Response, text []byte) *Error {
	e := &Error{Status: r.StatusCode, RequestID: r.Header.Get("X-Request-Id")}
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		e.RetryAfter = time.Duration(min(seconds, 1e6)) * time.Second
	}
	var body struct {
		Errors rolecall.Errors `json:"errors"`
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/problem+json" && json.Unmarshal(text, &body) == nil {
		for _, one := range body.Errors {
			if one != nil && one.Code != "" {
				e.Errors = append(e.Errors, one)
			}
		}
	}
	if len(e.Errors) > 0 {
		return e
	}
	// What something in between says is its own, and may be anything.
	one := &rolecall.Error{
		Code: codeOf(r.StatusCode), Message: fmt.Sprintf("the server answers %d %s, and not as rolecall does", r.StatusCode, http.StatusText(r.StatusCode)),
		Hint: "You: check the service's URL, and what stands between you and it",
	}
	if r.StatusCode/100 == 3 {
		one.Message, one.Hint = "the server leads to another address, where the token is not sent", "You: give the service's own URL"
	}
	e.Errors = rolecall.Errors{one}
	return e
}
