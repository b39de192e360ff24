package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rolecall/rolecall/sandbox/internal/s3"
	"github.com/rolecall/rolecall/sandbox/internal/sigv4"
)

// call is one request on its way through the server.
type call struct {
	id        string
	at        time.Time
	service   string
	operation string
	region    string
	bucket    string
	key       string
	caller    *caller
	signing   map[string][]string // s3:* keys about the signature
	fault     *Fault

	secure                       bool
	sourceIP, userAgent, referer string
	event                        Event
}

// ServeHTTP answers one request to any of the services.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.requests.Done()
	signature, bad := sigv4.Parse(r)
	c := s.begin(r, signature)
	out := &recorder{ResponseWriter: w, control: http.NewResponseController(w)}
	// A copy: if net/http's own request has another body, it waits for bytes
	// that a client which expects 100-continue does not send after a refusal.
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	r.Body = &pacedBody{ReadCloser: r.Body, control: out.control}
	defer s.end(c, out, r)
	out.Header().Set("X-Amz-Request-Id", c.id)
	out.Header().Set("Date", c.at.UTC().Format(http.TimeFormat)) // clients correct their clocks by it

	if bad == nil && signature != nil && s3Only(r) {
		bad = signature.ForService("s3")
	}
	var secret string
	if bad == nil && signature != nil {
		secret, bad = s.identify(c, signature)
	}
	switch {
	case bad != nil:
	case signature != nil:
		bad = signature.Verify(r, secret, c.at)
	case c.service == "s3":
		bad = sigv4.Decode(r)
	}
	if c.service != "s3" && c.service != "kms" {
		c.readForm(out, r)
	}
	if bad != nil {
		c.refuse(out, r, bad, signature)
		return
	}
	if signature != nil {
		c.signing = signing(r, signature, c.at)
	}
	if c.service == "s3" && r.Body != nil {
		r.Body = &s3Body{ReadCloser: r.Body, call: c}
	}
	if c.fault = s.faults.hit(c.service, c.operation, c.bucket); c.fault != nil && s.inject(c, out, r) {
		return
	}
	s.dispatch(c, out, r)
}

// begin reads what a request claims; nothing of it is proved.
func (s *Server) begin(r *http.Request, signature *sigv4.Signature) *call {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	id := make([]byte, 8)
	rand.Read(id)
	c := &call{
		id: strings.ToUpper(hex.EncodeToString(id)), at: s.clock(), caller: &caller{},
		secure: r.TLS != nil, sourceIP: host, userAgent: cut(r.UserAgent()), referer: cut(r.Referer()),
	}
	if s.secure != nil {
		c.secure = *s.secure
	}
	c.service = "s3"
	target, isKMS := kmsOperation(r)
	switch {
	case signature != nil && s3Only(r):
		c.region = signature.Region
	case signature != nil:
		c.service, c.region = signature.Service, signature.Region
	case isKMS:
		c.service = "kms"
	case isForm(r):
		c.service = "sts"
	}
	switch c.service {
	case "s3":
		c.operation = s3.Operation(r)
		c.bucket, c.key = s3.Target(r)
		if b := s.directory.bucket(c.bucket); b != nil && signature == nil {
			c.region = b.Region
		}
	case "kms":
		c.operation = target
	}
	c.event = Event{
		Time: c.at, RequestID: c.id, Service: c.service, Operation: cut(c.operation), Region: c.region,
		SourceIP: c.sourceIP, UserAgent: c.userAgent,
	}
	return c
}

// s3Only reports whether a request has a form that only S3 takes: the other
// services are asked by POST, or by a query with an Action, at the root.
func s3Only(r *http.Request) bool {
	return r.URL.Path != "/" || r.Method != http.MethodPost && !isForm(r)
}

func (s *Server) dispatch(c *call, w http.ResponseWriter, r *http.Request) {
	switch c.service {
	case "s3":
		if fail := s.wrongRegion(c, r); fail != nil {
			c.event.ErrorCode = fail.Code
			s3.WriteError(w, r, fail)
			return
		}
		if b := s.directory.bucket(c.bucket); b != nil && c.key == "" {
			w.Header().Set("X-Amz-Bucket-Region", b.Region)
		}
		s.s3.ServeHTTP(w, r)
	case "sts", "iam":
		s.serveQuery(c, w, r)
	case "kms":
		s.serveKMS(c, w, r)
	default:
		c.failQuery(w, &serviceError{http.StatusBadRequest, "InvalidAction", "the sandbox has no service " + cut(c.service)})
	}
}

// end writes the trail, whatever happened, and closes the connection if a
// fault cut it.
func (s *Server) end(c *call, out *recorder, r *http.Request) {
	if crash := recover(); crash != nil {
		s.log.Error("panic in a request", "service", c.service, "operation", c.operation, "panic", crash)
		if out.status == 0 {
			c.fail(out, r, (&Fault{Error: "internal"}).failure(c.service))
		}
	}
	c.event.Status = out.status
	switch {
	case out.cut:
		c.event.Status, c.event.ErrorCode = 0, "ConnectionCut"
	case out.status < http.StatusBadRequest:
		c.event.ErrorCode = "" // S3 evaluates some permissions that a request does not need
	case c.event.ErrorCode == "":
		c.event.ErrorCode = out.errorCode()
	}
	s.trail.add(c.event)
	s.log.Debug("request", "service", c.service, "operation", c.event.Operation, "caller", c.event.Caller,
		"resource", c.event.Resource, "status", c.event.Status, "code", c.event.ErrorCode, "request", c.id)
	if out.cut {
		panic(http.ErrAbortHandler)
	}
}
