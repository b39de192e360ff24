package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// Error is an error answer of S3.
type Error struct {
	Status  int
	Code    string
	Message string
	Extra   []Field     // further elements of the XML body, in order
	Header  http.Header // further headers of the answer
}

// Field is one further element of an error's XML body.
type Field struct{ Name, Value string }

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// with adds an element to the error's body.
func (e *Error) with(name, value string) *Error {
	e.Extra = append(e.Extra, Field{name, value})
	return e
}

// WriteError answers with the error as S3 words it: an XML body, and none for
// HEAD and 304.
func WriteError(w http.ResponseWriter, r *http.Request, e *Error) {
	header := w.Header()
	for name, values := range e.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	if e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	header.Set("Content-Type", "application/xml")
	header.Del("Content-Length")
	w.WriteHeader(e.Status)
	if r.Method == http.MethodHead {
		return
	}
	body := []byte(xml.Header + "<Error>")
	add := func(name, value string) {
		body = fmt.Appendf(body, "<%s>%s</%s>", name, escape(value), name)
	}
	add("Code", e.Code)
	add("Message", e.Message)
	for _, f := range e.Extra {
		add(f.Name, f.Value)
	}
	add("RequestId", header.Get("X-Amz-Request-Id"))
	add("HostId", header.Get("X-Amz-Id-2"))
	w.Write(append(body, "</Error>"...)) //nolint:errcheck // the client is gone
}
