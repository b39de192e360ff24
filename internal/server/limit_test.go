package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/service"
)

// Too many requests, and too many tokens that are not valid, are answered with
// 429, whatever is asked for: nothing else is answered first.
func TestTooMany(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, "{}")
	w.rate, w.options.Failures = 3, 4
	w.declare("{}")
	w.start()
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	viewer := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, "/api/o/acme/tokens", `{"role":"viewer"}`)).Secret
	// Until the first that is refused.
	until := func(token string, paths ...string) {
		t.Helper()
		for i := range 1000 {
			if got := w.do(token, http.MethodGet, paths[i%len(paths)], ""); got.status == http.StatusTooManyRequests {
				return
			}
		}
		t.Errorf("%v: never too many", paths)
	}
	until(viewer, "/api/o/acme", "/api/o/nobody", "/api/o/acme/tokens", "/api/o/acme/connections/x/credentials?form=container")
	until("rcs_"+strings.Repeat("0", 36), "/api/o/acme", "/api/o/nobody")
	// The config changes how many.
	w.rate = 100000
	w.declare("{}")
	w.readAgain()
	for range 20 {
		if got := w.do(viewer, http.MethodGet, "/api/o/acme", ""); got.status != http.StatusOK {
			t.Fatalf("%d after the limit was raised", got.status)
		}
	}
	// A valid token that this address presented before still is.
	if got := w.do(w.token, http.MethodGet, "/api/o", ""); got.status != http.StatusOK {
		t.Errorf("%d\n%s", got.status, got.body)
	}
}

// Whoever sends slowly, or nothing, is not waited for: headers, a body that is
// read, one that nobody reads, each meets its deadline.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, "{}")
	w.options.HeaderTime, w.options.BodyTime = 200*time.Millisecond, 500*time.Millisecond
	w.start()
	host := strings.TrimPrefix(w.url, "http://")
	for name, sent := range map[string]string{
		"headers":           "GET /api/o HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ",
		"nothing":           "",
		"body":              "POST /api/o HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + w.token + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"body for nobody":   "POST /api/o HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 100\r\n\r\n{",
		"body for no path":  "POST /x HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 100\r\n\r\n{",
		"body for no host":  "POST /api/o HTTP/1.1\r\nHost: example.com\r\nContent-Length: 100\r\n\r\n{",
		"body of a reading": "GET /api/openapi.json HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			// What is answered, if anything, and then the end.
			if _, err := io.Copy(io.Discard, bufio.NewReader(c)); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("the service waits: %v", err)
			}
		})
	}
	w.must(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/o?limit=%d", 1), "")
}

// Thousands who connect and say nothing keep nobody else from an answer, and
// each is ended at the deadline of headers.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	// Both ends of each are this process's, and other tests have files open, too.
	count := min(5000, int(files.Cur/4))
	t.Logf("%d connections of at most 5,000: this process may have %d files open", count, files.Cur)
	w := unserved(t, inDirectory, "{}")
	w.options.HeaderTime = 10 * time.Second
	w.start()
	idle := make([]net.Conn, 0, count)
	for range count {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		idle = append(idle, c)
	}
	w.must(http.StatusOK, http.MethodGet, "/api/o", "")
	for _, c := range idle {
		if err := c.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the service waits: %d, %v", n, err)
		}
	}
	w.must(http.StatusOK, http.MethodGet, "/api/o", "")
}
