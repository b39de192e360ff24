package sandbox

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// stsNamespace is of STS's answers; its date is the API's version.
const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// serviceError is an error answer of STS or KMS.
type serviceError struct {
	status  int
	code    string
	message string
}

func invalidInput(message string) *serviceError {
	return &serviceError{http.StatusBadRequest, "ValidationError", message}
}

// serveSTS answers AWS's query protocol: parameters as a form, answers in XML.
func (s *Server) serveSTS(c *call, w http.ResponseWriter, r *http.Request) {
	if r.Form == nil {
		c.failSTS(w, &serviceError{http.StatusBadRequest, "MalformedInput", "the parameters are not a form"})
		return
	}
	result, fail := s.doSTS(c, r.Form)
	if fail != nil {
		c.failSTS(w, fail)
		return
	}
	c.writeXML(w, http.StatusOK, struct {
		XMLName   xml.Name
		Result    any
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}{xml.Name{Space: stsNamespace, Local: c.operation + "Response"}, result, c.id})
}

func (s *Server) doSTS(c *call, form url.Values) (any, *serviceError) {
	if c.caller.anonymous() {
		return nil, &serviceError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	switch c.operation {
	case "GetCallerIdentity":
		return c.callerIdentity(), nil
	case "AssumeRole":
		return s.assumeRole(c, form)
	case "GetSessionToken":
		return s.sessionToken(c, form)
	case "":
		return nil, &serviceError{http.StatusBadRequest, "MissingAction", "The request is missing an Action parameter"}
	default:
		return nil, &serviceError{
			http.StatusBadRequest, "InvalidAction",
			"Could not find operation " + c.operation + " for version " + form.Get("Version"),
		}
	}
}

func (c *call) failSTS(w http.ResponseWriter, e *serviceError) {
	c.event.ErrorCode = e.code
	kind := "Sender"
	if e.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	c.writeXML(w, e.status, struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Type: kind, Code: e.code, Message: e.message, RequestID: c.id})
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

// isForm tells whether a request looks like one of the query protocol:
// unsigned ones have no scope to tell.
func isForm(r *http.Request) bool {
	if r.URL.Path != "/" {
		return false
	}
	form := r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	return form || r.URL.Query().Has("Action")
}

// maxForm bounds the parameters of a request of the query protocol.
const maxForm = 1 << 20

// readForm reads the parameters; what is wrong with them is found when they
// are used.
func (c *call) readForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		r.Form = nil
	}
	c.operation = r.Form.Get("Action")
	c.event.Operation = cut(c.operation)
}
