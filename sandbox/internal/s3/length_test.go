package s3

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// raw sends a request as it is written, and returns the answer.
func (w *world) raw(text string) (*http.Response, string) {
	w.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		w.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer, string(body)
}

// S3 takes no body whose length it does not know.
func TestLengthOfABody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "up")
	part := "/plain/up?partNumber=1&uploadId=" + *m.id
	const chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for name, c := range map[string]struct {
		request, rest, code, header string
		status                      int
	}{
		"object in chunks":       {"PUT /plain/k", chunked, "NotImplemented", "Transfer-Encoding", 501},
		"part in chunks":         {"PUT " + part, chunked, "NotImplemented", "Transfer-Encoding", 501},
		"document in chunks":     {"PUT /plain/k?tagging", chunked, "NotImplemented", "Transfer-Encoding", 501},
		"deletion in chunks":     {"POST /plain?delete", chunked, "NotImplemented", "Transfer-Encoding", 501},
		"object without length":  {"PUT /plain/k", "\r\n", "MissingContentLength", "", 411},
		"part without length":    {"PUT " + part, "\r\n", "MissingContentLength", "", 411},
		"a part of an object":    {"PUT /plain/k", "Content-Length: 5\r\nContent-Range: bytes 0-4/10\r\n\r\nhello", "NotImplemented", "Content-Range", 501},
		"object of no bytes":     {"PUT /plain/k", "Content-Length: 0\r\n\r\n", "", "", 200},
		"copy without length":    {"PUT /plain/copy", "x-amz-copy-source: plain/source\r\n\r\n", "", "", 200},
		"read without length":    {"GET /plain/source", "\r\n", "", "", 200},
		"begin without length":   {"POST /plain/new?uploads", "\r\n", "", "", 200},
		"removed without length": {"DELETE /plain/none", "\r\n", "", "", 204},
	} {
		w.put("plain", "source", "x")
		answer, body := w.raw(c.request + " HTTP/1.1\r\nHost: localhost\r\n" + c.rest)
		if answer.StatusCode != c.status || inside(body, "Code") != c.code || inside(body, "Header") != c.header {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}
