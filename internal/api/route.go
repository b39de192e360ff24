package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
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
	about        string       // what else is to be known of it
	open         bool         // to everybody, without a token
	conflicts    bool         // is a GET that is not answered in every state
	body         reflect.Type // nil: none
	optional     bool         // the body may be left out
	creates      bool         // takes an Idempotency-Key
	changes      bool         // takes If-Match and If-None-Match
	reads        bool         // is a POST that changes nothing
	secret       bool         // has a body that no error quotes
	revisions    bool         // answers with an ETag
	locates      bool         // answers with the Location of what was made
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
	secret   bool
	w        http.ResponseWriter
}

// answer is what a route answers with. A zero status is the route's.
type answer[Out any] struct {
	status   int
	body     Out
	revision int64  // sent as ETag; zero: none
	location string // where what was made is; empty: not said
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
			w.Header().Set("ETag", etag(out.revision))
		}
		if out.location != "" && !q.call.DryRun {
			w.Header().Set("Location", out.location)
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
	q := &request{Request: r, w: w, limit: maxBody, bodyTime: a.bodyTime, secret: rt.secret, call: service.Call{Actor: actor, RequestID: requestID(r)}}
	if rt.creates {
		q.call.Key = r.Header.Get("Idempotency-Key")
		if len(q.call.Key) > maxKey {
			q.call.Fault = invalid(fmt.Sprintf("the Idempotency-Key has more than %d characters", maxKey), "You: send a shorter one, for example a UUID")
		}
	}
	values, fault := rt.values(r)
	if fault != nil {
		q.call.Fault = fault
	}
	q.call.DryRun = values.Get("dry_run") == "true"
	if rt.changes {
		q.call.Matches = matches(r.Header)
	}
	return q, nil
}

// matches returns which revisions If-Match and If-None-Match let be changed;
// nil: any. RFC 9110, section 13.1
func matches(h http.Header) func(revision int64) bool {
	named, others := h.Values("If-Match"), h.Values("If-None-Match")
	if len(named) == 0 && len(others) == 0 {
		return nil
	}
	return func(revision int64) bool {
		return (len(named) == 0 || holds(named, revision)) && !holds(others, revision)
	}
}

// holds reports whether a header that lists ETags lists that of a revision.
func holds(header []string, revision int64) bool {
	if revision == 0 {
		return false
	}
	for _, tag := range strings.Split(strings.Join(header, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(revision) {
			return true
		}
	}
	return false
}

func etag(revision int64) string { return strconv.Quote(strconv.FormatInt(revision, 10)) }

// values returns the request's query. Its error is Invalid where that has what
// the route does not take: a change that was to be tried alone is not made for
// a misspelt dry_run.
func (rt route) values(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, statusError{invalid("the query cannot be read", "You: escape it as application/x-www-form-urlencoded"), http.StatusBadRequest}
	}
	takes := rt.takes()
	for name, given := range values {
		at := slices.IndexFunc(takes, func(q query) bool { return q.name == name })
		switch {
		case at < 0:
			return nil, invalid(fmt.Sprintf("there is no query parameter %q here", name), "You: see /api/openapi.json for those that there are")
		case len(given) > 1:
			return nil, invalid(fmt.Sprintf("the query parameter %q is there %d times", name, len(given)), "You: give it once")
		case len(takes[at].of) > 0 && given[0] != "" && !slices.Contains(takes[at].of, given[0]):
			return nil, invalid(fmt.Sprintf("%q is no value of the query parameter %q", given[0], name), "You: write "+strings.Join(takes[at].of, " or "))
		}
	}
	return values, nil
}

// triable reports whether the route changes something, so that dry_run has a
// meaning.
func (rt route) triable() bool { return rt.method != http.MethodGet && !rt.reads }

// takes returns the parameters that a query may have.
func (rt route) takes() []query {
	all := slices.Clone(rt.query)
	if rt.lists {
		all = append(all, query{name: "limit"}, query{name: "cursor"})
	}
	if rt.triable() {
		all = append(all, query{name: "dry_run", of: []string{"true", "false"}})
	}
	return all
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
		if coding := q.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
			return nil, errEncoded
		}
		kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
		if err != nil || kind != kindJSON && (kind != kindMergePatch || q.Method != http.MethodPatch) {
			return nil, errNotJSON
		}
		var faults rolecall.Errors
		isJSON := strict.Decode(text, document, &faults)
		if q.secret && len(faults) > 0 {
			faults = unquoted(text, document, faults)
		}
		if !isJSON {
			return nil, statusError{faults[0], http.StatusBadRequest}
		}
		return text, faults.Err()
	}
}

// unquoted returns the faults of a body that holds a secret without what they
// quote of it: the secret may stand anywhere, where quotes or a name were
// forgotten.
func unquoted(text []byte, document any, faults rolecall.Errors) rolecall.Errors {
	if wrong := strict.Syntax(text); wrong != nil {
		return rolecall.Errors{{
			Code: rolecall.Invalid, Message: fmt.Sprintf("not JSON at line %d, column %d", wrong.Line, wrong.Column),
			Hint: "You: put texts in double quotes, and see that nothing is missing there",
		}}
	}
	names := map[string]bool{}
	for field := range reflect.TypeOf(document).Elem().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names["/"+name] = true
	}
	out := make(rolecall.Errors, 0, len(faults))
	for _, f := range faults {
		if f.Pointer != "" && !names[f.Pointer] {
			f = &rolecall.Error{Code: rolecall.Invalid, Message: "the body has a member that is not known", Hint: f.Hint}
		}
		out = append(out, f)
	}
	return out
}

// page returns which page of a list is asked for. What is wrong with it is the
// call's Fault.
func (q *request) page() service.Page {
	values := q.URL.Query()
	p := service.Page{Cursor: values.Get("cursor")}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			q.call.Fault = invalid("limit is not a number from 1 to 200", "You: leave it out for 50")
		}
		p.Limit = limit
	}
	return p
}

// list answers with a page of a list.
func list[T any](q *request, read func(service.Page) (service.List[T], error)) (answer[service.List[T]], error) {
	found, err := read(q.page())
	return answer[service.List[T]]{body: found}, err
}

// nothing is the body of answers that have none.
type nothing struct{}
