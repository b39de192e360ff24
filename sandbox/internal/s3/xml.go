package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// text is character data that may have characters which XML 1.0 does not
// allow, as keys may. S3 writes them as references, which XML parsers refuse;
// clients can ask for encoding-type=url instead.
type text string

// MarshalXML writes the text with S3's escapes.
func (t text) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		S string `xml:",innerxml"`
	}{escape(string(t))}, start)
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			fmt.Fprintf(&b, "&#x%x;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// stamp is a time in S3's XML.
type stamp time.Time

// MarshalText writes the time in UTC with milliseconds.
func (t stamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// writeXML answers 200 with a document.
func (c *call) writeXML(document any) error {
	data, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(http.StatusOK)
	io.WriteString(c.w, xml.Header) //nolint:errcheck // the client is gone
	c.w.Write(data)                 //nolint:errcheck // the client is gone
	return nil
}

// readXML reads a request's document of at most limit bytes, and checks its
// checksums.
func (c *call) readXML(limit int64, document any) error {
	data, err := c.readDocument(limit)
	if err != nil {
		return err
	}
	return parseXML(data, document)
}

// parseXML reads one element and nothing after it.
func parseXML(data []byte, document any) error {
	dec := xml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(document); err != nil {
		return errMalformedXML()
	}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errMalformedXML()
		}
		switch t := token.(type) {
		case xml.Comment:
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errMalformedXML()
			}
		default:
			return errMalformedXML()
		}
	}
}
