package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/strict"
)

// Problem is how every error is answered: RFC 9457's members, and the errors in
// the one shape that rolecall has everywhere.
type Problem struct {
	Type   string          `json:"type"` // leads to a page of this service
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Errors rolecall.Errors `json:"errors"`
}

// statusError is an error that HTTP has a status of its own for.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// Of what was sent, before anything is known of what it means.
var (
	errTooLarge = statusError{
		&rolecall.Error{Code: rolecall.Invalid, Message: "the body is larger than 1 MiB", Hint: "You: send a smaller one"}, http.StatusRequestEntityTooLarge,
	}
	errNotJSON = statusError{
		&rolecall.Error{Code: rolecall.Invalid, Message: "the body is not said to be JSON", Hint: "You: send Content-Type: application/json"}, http.StatusUnsupportedMediaType,
	}
	errEncoded = statusError{
		&rolecall.Error{Code: rolecall.Invalid, Message: "the body is compressed", Hint: "You: send it as it is, without Content-Encoding"}, http.StatusUnsupportedMediaType,
	}
	errNoSuchMethod = statusError{
		&rolecall.Error{Code: rolecall.Invalid, Message: "the path does not take this method", Hint: "You: use one of those that the header Allow names"}, http.StatusMethodNotAllowed,
	}
	errNoSuchPath = statusError{
		&rolecall.Error{Code: rolecall.NotFound, Message: "there is no such path", Hint: "You: /api/openapi.json lists all paths"}, http.StatusNotFound,
	}
)

// statusOf returns the status of an error: the one place that says so.
func statusOf(err error) int {
	var known statusError
	switch {
	case errors.As(err, &known):
		return known.status
	case errors.Is(err, service.ErrPrecondition):
		return http.StatusPreconditionFailed
	case errors.As(err, new(*service.TooManyError)):
		return http.StatusTooManyRequests
	}
	switch rolecall.CodeOf(err) {
	case rolecall.Invalid:
		return http.StatusUnprocessableEntity
	case rolecall.NotFound:
		return http.StatusNotFound
	case rolecall.Conflict:
		return http.StatusConflict
	case rolecall.Unauthenticated:
		return http.StatusUnauthorized
	case rolecall.Forbidden:
		return http.StatusForbidden
	case rolecall.Unavailable:
		return http.StatusServiceUnavailable
	case rolecall.Internal:
	}
	return http.StatusInternalServerError
}

// problemOf returns the answer for an error.
func problemOf(err error) Problem {
	status, list := statusOf(err), rolecall.List(err)
	p := Problem{Type: "/problems/" + string(list[0].Code), Title: http.StatusText(status), Status: status, Detail: list[0].Message, Errors: list}
	if len(list) > 1 {
		p.Detail = fmt.Sprintf("%d faults; the first: %s", len(list), p.Detail)
	}
	return p
}

// fail answers with an error. One of code Internal is logged: its cause reaches
// nobody else.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.Pattern, "request", requestID(r), "error", err)
		p.Errors[0].Hint = "Operator: look in the log for the request " + requestID(r)
	}
	say(w, p.Status, err)
	p.write(w)
}

// say sets the headers that belong to a status.
func say(w http.ResponseWriter, status int, err error) {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="rolecall"`)
	case http.StatusTooManyRequests:
		var many *service.TooManyError
		if errors.As(err, &many) {
			w.Header().Set("Retry-After", strconv.FormatInt(many.Seconds(), 10))
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
}

// WriteProblem answers with an error and a status of HTTP's own.
func WriteProblem(w http.ResponseWriter, status int, err error) {
	problemOf(statusError{err, status}).write(w)
}

func (p Problem) write(w http.ResponseWriter) {
	text, err := strict.Line(p)
	if err != nil {
		text = nil // a struct of strings
	}
	w.Header().Set("Content-Type", kindProblem)
	w.WriteHeader(p.Status)
	_, _ = w.Write(text)
}

// problems are the pages that Problem.Type leads to.
var problems = map[rolecall.Code]string{
	rolecall.Invalid:         "What was sent is wrong and stays wrong. Each error has a JSON pointer to its place, and a hint. 400: it is no JSON; 405: the path does not take the method; 413: it is too large; 415: it is not said to be JSON; 421: another host is meant; 422: all else.",
	rolecall.NotFound:        "It does not exist, or is another organization's. The two look the same.",
	rolecall.Conflict:        "It conflicts with what exists. 412: it was changed since the revision that If-Match names.",
	rolecall.Unauthenticated: "No token, or one that is unknown, has expired or was revoked.",
	rolecall.Forbidden:       "The token's role, or a policy at AWS, does not allow it.",
	rolecall.Unavailable:     "Something is not reachable or overloaded. Try again after the seconds that Retry-After gives. 429: too much at once.",
	rolecall.Internal:        "A fault of rolecall's own. The operator's log has the cause.",
}
