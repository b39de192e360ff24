package transfer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// raw is a server whose answer to each request is the text, after which it closes
// the connection.
type raw struct {
	text    string
	serving sync.WaitGroup
	asked   int
}

func (s *raw) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	s.serving.Go(func() {
		defer there.Close()
		request, err := http.ReadRequest(bufio.NewReader(there))
		if err != nil {
			return
		}
		s.asked++
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(there, s.text)
	})
	return here, nil
}

// dialed returns a bucket on connections that dial returns.
func dialed(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) Bucket {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dial, MaxResponseHeaderBytes: 64 << 10, ResponseHeaderTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return Bucket{Name: "b", Client: NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), Endpoint: "http://s3.invalid", PathStyle: true, HTTP: client,
	})}
}

// An answer came that is none of HTTP's: the server is at fault, not the way to it,
// and would answer alike again. Where a connection may have been cut off, the
// request is sent again.
func TestAnswersThatAreNotHTTPs(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		text  string
		want  Kind
		asked int
	}{
		{"SSH-2.0-OpenSSH_9.2\r\n", Malformed, 1},
		{"\x15\x03\x01\x00\x02\x02\x46", Malformed, 1},
		{"<html>proxy</html>\n", Malformed, 1},
		{"HTTP/7.9x 200 OK\r\n\r\n", Malformed, 1},
		{"HTTP/1.1 2000 OK\r\n\r\n", Malformed, 1},
		{"HTTP/1.1 abc OK\r\n\r\n", Malformed, 1},
		{strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9) + strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 1000)+"\r\n\r\n", 200), Malformed, 1},
		{ok + "X: " + strings.Repeat("v", 2<<20) + "\r\nContent-Length: 1\r\n\r\nx", Malformed, 1},
		{ok + strings.Repeat("X: v\r\n", 1<<19) + "Content-Length: 1\r\n\r\nx", Malformed, 1},
		{ok + "no colon\r\n\r\n", Malformed, 1},
		{ok + " continued: x\r\n\r\n", Malformed, 1},
		{ok + "Content-Length: -1\r\n\r\n", Malformed, 1},
		{ok + "Content-Length: one\r\n\r\n", Malformed, 1},
		{ok + "Content-Length:\r\n\r\n", Malformed, 1},
		{ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", Malformed, 1},
		{ok + "Content-Length: 99999999999999999999\r\n\r\nx", Malformed, 1},
		{ok + "Transfer-Encoding: gzip\r\n\r\nx", Malformed, 1},
		{ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\nx", Malformed, 1},
		{"", Unreachable, attempts},
		{"HTTP/1", Unreachable, attempts},
		{ok, Unreachable, attempts},
		{ok + "Date: ", Unreachable, attempts},
		{"HTTP/1.1 20", Unreachable, attempts},
		{"HTTP/1.1 200\r", Unreachable, attempts},
		{ok + "Da", Unreachable, attempts},
		{ok + "Date: x\r", Unreachable, attempts},
		{ok + "Date: x\r\n\r", Unreachable, attempts},
		{"HTTP/1.1 100 Continue\r\n\r\n", Unreachable, attempts},
	} {
		for name, do := range map[string]func(context.Context, Bucket) error{
			"object": func(ctx context.Context, b Bucket) error {
				_, err := source{b, Object{Key: "k", Size: 1, ETag: `"e"`}}.open(ctx, span{0, 1})
				return err
			},
			"listing": func(ctx context.Context, b Bucket) error {
				_, _, err := ListFirst(ctx, b, "")
				return err
			},
			"put": func(ctx context.Context, b Bucket) error {
				body := func(context.Context) io.ReadCloser { return io.NopCloser(strings.NewReader("x")) }
				_, err := b.Client.wire.put(ctx, request{bucket: b, key: "x", header: http.Header{}, length: 1, body: body, hash: unsigned})
				return err
			},
			"region": func(ctx context.Context, b Bucket) error {
				_, err := RegionOf(ctx, RegionQuestion{Bucket: "b", Endpoint: "http://s3.invalid", Home: "us-east-1", HTTP: b.Client.wire.http.next, Patient: true})
				return err
			},
		} {
			t.Run(fmt.Sprintf("%s %.30q", name, c.text), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := raw{text: c.text}
					err := do(t.Context(), dialed(t, server.dial))
					server.serving.Wait()
					if got := KindOf(err); got != c.want || server.asked != c.asked {
						t.Errorf("%s after %d requests, want %s after %d: %v", got, server.asked, c.want, c.asked, err)
					}
				})
			})
		}
	}
}

// An answer that is left over on a connection is taken for that to the next
// request, which another connection answers.
func TestLeftOverAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		var serving sync.WaitGroup
		b := dialed(t, func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			dials++
			first := dials == 1
			serving.Go(func() {
				defer there.Close()
				in := bufio.NewReader(there)
				for n := 0; ; n++ {
					request, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					text := "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 1\r\n\r\nx"
					if first && n == 1 {
						text = "left over"
					}
					if _, err := io.WriteString(there, text); err != nil || first && n == 1 {
						return
					}
				}
			})
			return here, nil
		})
		for range 3 {
			if err := readAll(t.Context(), source{b, Object{Key: "k", Size: 1, ETag: `"e"`}}, io.Discard); err != nil {
				t.Error(err)
			}
		}
		b.Client.wire.http.next.(*http.Client).CloseIdleConnections()
		serving.Wait()
		if dials != 2 {
			t.Errorf("%d connections", dials)
		}
	})
}

// An answer without an object is none to a request for one.
func TestAnswersWithoutObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Kind{
		"204 No Content\r\nETag: \"e\"\r\n\r\n":                                              Malformed,
		"304 Not Modified\r\nETag: \"e\"\r\n\r\n":                                            Malformed,
		"307 Temporary Redirect\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n": WrongRegion,
	} {
		synctest.Test(t, func(t *testing.T) {
			server := raw{text: "HTTP/1.1 " + text}
			_, err := source{dialed(t, server.dial), Object{Key: "k", Size: 1, ETag: `"e"`}}.open(t.Context(), span{0, 1})
			if got := KindOf(err); got != want {
				t.Errorf("%q: %s, want %s: %v", text, got, want, err)
			}
			server.serving.Wait()
		})
	}
}
