package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/strict"
)

// route is a method and a path, and what the OpenAPI document says of them.
type route struct {
	method, path string
	id           string // names the operation in generated clients
	summary      string
	body         reflect.Type // nil: none
	optional     bool         // the body may be left out
	creates      bool         // takes an Idempotency-Key and dry_run
	changes      bool         // takes If-Match and dry_run
	lists        bool         // takes limit and cursor
	tokenOnly    bool         // no cookie of a session is enough
	query        []query
	status       int      // of success
	makes        bool     // status is 201 where there was none
	kinds        []string // media types of what it answers with; nil: JSON
}

// query is a parameter in a query.
type query struct {
	name, description string
	of                []string // what it may be; nil: anything
}

// request is a request to a route, whose actor is known.
type request struct {
	*http.Request
	call     service.Call
	limit    int64
	bodyTime time.Duration
	w        http.ResponseWriter
}

// answer is what a route answers with. A zero status is the route's.
type answer[Out any] struct {
	status   int
	body     Out
	revision int64 // sent as ETag; zero: none
}

// handle adds a route.
func handle[Out any](a *API, rt route, do func(*request) (answer[Out], error)) {
	a.document.add(rt, reflect.TypeFor[Out]())
	a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
		q, err := a.open(w, r, rt)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		out, err := do(q)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		if out.revision != 0 {
			w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(out.revision, 10)))
		}
		status := out.status
		if status == 0 {
			status = rt.status
		}
		if rt.status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		text, err := strict.Line(out.body)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", kindJSON)
		w.WriteHeader(status)
		_, _ = w.Write(text)
	})
}

// open finds out who asks, and reads what is beside the body.
func (a *API) open(w http.ResponseWriter, r *http.Request, rt route) (*request, error) {
	actor, err := a.actor(r, rt)
	if err != nil {
		return nil, err
	}
	if err := a.limits.mayAsk(actor, r.URL.Path); err != nil {
		return nil, err
	}
	q := &request{Request: r, w: w, limit: maxBody, bodyTime: a.bodyTime, call: service.Call{Actor: actor, RequestID: requestID(r)}}
	if rt.creates {
		q.call.Key = r.Header.Get("Idempotency-Key")
		if len(q.call.Key) > maxKey {
			return nil, invalid(fmt.Sprintf("the Idempotency-Key has more than %d characters", maxKey), "You: send a shorter one, for example a UUID")
		}
	}
	if rt.changes || rt.creates {
		switch text := r.URL.Query().Get("dry_run"); text {
		case "", "false":
		case "true":
			q.call.DryRun = true
		default:
			return nil, invalid("dry_run is true or false", "You: write ?dry_run=true, or leave it out")
		}
	}
	if match := r.Header.Get("If-Match"); rt.changes && match != "" && match != "*" {
		text, err := strconv.Unquote(match)
		if err == nil {
			q.call.IfMatch, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil || q.call.IfMatch <= 0 {
			q.call.IfMatch = -1 // which nothing has
		}
	}
	return q, nil
}

// The limits of what is sent.
const (
	maxBody = 1 << 20
	maxKey  = 255
)

func invalid(message, hint string) error {
	return &rolecall.Error{Code: rolecall.Invalid, Message: message, Hint: hint}
}

// body returns the request's body, to be read once it is known to be allowed.
func (q *request) body(optional bool) service.Body {
	return func(document any) ([]byte, error) {
		// A connection that cannot have deadlines is a test's.
		_ = http.NewResponseController(q.w).SetReadDeadline(time.Now().Add(q.bodyTime))
		text, err := io.ReadAll(http.MaxBytesReader(q.w, q.Body, q.limit))
		_ = http.NewResponseController(q.w).SetReadDeadline(time.Time{}) // else it would end the work that begins now
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return nil, errTooLarge
		case err != nil:
			return nil, statusError{&rolecall.Error{Code: rolecall.Invalid, Message: "the body did not arrive whole", Hint: "You: send it again", Err: err}, http.StatusBadRequest}
		}
		if len(text) == 0 && optional {
			return text, nil
		}
		kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
			return nil, errNotJSON
		}
		var faults rolecall.Errors
		if !strict.Decode(text, document, &faults) {
			return nil, statusError{faults[0], http.StatusBadRequest}
		}
		return text, faults.Err()
	}
}

// page returns which page of a list is asked for.
func (q *request) page() (service.Page, error) {
	values := q.URL.Query()
	p := service.Page{Cursor: values.Get("cursor")}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			return p, invalid("limit is not a number from 1 to 200", "You: leave it out for 50")
		}
		p.Limit = limit
	}
	return p, nil
}

// list answers with a page of a list.
func list[T any](q *request, read func(service.Page) (service.List[T], error)) (answer[service.List[T]], error) {
	p, err := q.page()
	if err != nil {
		return answer[service.List[T]]{}, err
	}
	found, err := read(p)
	return answer[service.List[T]]{body: found}, err
}

// nothing is the body of answers that have none.
type nothing struct{}
