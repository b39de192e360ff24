package sandbox

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// namespaces has the XML namespace of each service's answers in the query
// protocol; the date is the API's version.
var namespaces = map[string]string{
	"sts": "https://sts.amazonaws.com/doc/2011-06-15/",
	"iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}

// serviceError is an error answer of IAM, STS or KMS.
type serviceError struct {
	status  int
	code    string
	message string
}

func invalidInput(message string) *serviceError {
	return &serviceError{http.StatusBadRequest, "ValidationError", message}
}

// serveQuery answers AWS's query protocol: parameters as a form, answers in
// XML.
func (s *Server) serveQuery(c *call, w http.ResponseWriter, r *http.Request) {
	result, fail := s.doQuery(c, r.Form)
	if fail != nil {
		c.failQuery(w, fail)
		return
	}
	c.writeXML(w, http.StatusOK, struct {
		XMLName   xml.Name
		Result    any
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}{xml.Name{Space: namespaces[c.service], Local: c.operation + "Response"}, result, c.id})
}

func (s *Server) doQuery(c *call, form url.Values) (any, *serviceError) {
	switch {
	case form == nil:
		return nil, &serviceError{http.StatusBadRequest, "MalformedInput", "the parameters are not a form"}
	case c.caller.anonymous():
		return nil, &serviceError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	case repeated(form) != "":
		return nil, &serviceError{http.StatusBadRequest, "MalformedInput", "the parameter " + cut(repeated(form)) + " is given more than once"}
	case c.operation == "":
		return nil, &serviceError{http.StatusBadRequest, "MissingAction", "The request is missing an Action parameter"}
	case c.service == "iam":
		return s.doIAM(c, form)
	}
	switch c.operation {
	case "GetCallerIdentity":
		return c.callerIdentity(), nil
	case "AssumeRole":
		return s.assumeRole(c, form)
	case "GetSessionToken":
		return s.sessionToken(c, form)
	default:
		return nil, unknownOperation(c.operation, form)
	}
}

// repeated returns the first parameter with several values, or "". Taking one
// of them would let two readers of a request see different ones.
func repeated(form url.Values) string {
	for name, values := range sorted(form) {
		if len(values) > 1 {
			return name
		}
	}
	return ""
}

func unknownOperation(name string, form url.Values) *serviceError {
	return &serviceError{
		http.StatusBadRequest, "InvalidAction",
		"Could not find operation " + cut(name) + " for version " + cut(form.Get("Version")),
	}
}

func (c *call) failQuery(w http.ResponseWriter, e *serviceError) {
	c.event.ErrorCode = e.code
	kind := "Sender"
	if e.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	type fault struct{ Type, Code, Message string }
	c.writeXML(w, e.status, struct {
		XMLName   xml.Name
		Error     fault
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: cmp.Or(namespaces[c.service], namespaces["sts"]), Local: "ErrorResponse"}, fault{kind, e.code, e.message}, c.id})
}

func (c *call) writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		panic("sandbox: an answer has no XML form: " + err.Error())
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", c.id)
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client is gone
}

// isForm reports whether a request looks like one of the query protocol, for
// unsigned requests, which have no scope.
func isForm(r *http.Request) bool {
	if r.URL.Path != "/" {
		return false
	}
	form := r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	return form || r.URL.Query().Has("Action")
}

// maxForm bounds the parameters of a request of the query protocol.
const maxForm = 1 << 20

// readForm reads the parameters; faults are found when they are used.
func (c *call) readForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		r.Form = nil
	}
	c.operation = r.Form.Get("Action")
	c.event.Operation = cut(c.operation)
}
