package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/worker"
)

// hostileServer answers each request by the name of the bucket.
type hostileServer struct {
	net.Listener
	serving sync.WaitGroup
	over    chan struct{} // closed at the end

	mu   sync.Mutex
	seen map[string]bool // buckets that were asked for
	busy chan struct{}   // closed when there are most of them
}

// most is how many of the attacks are under way before the others begin.
const most = 20

// attack writes one answer, over a connection that is closed after it.
type attack func(s *hostileServer, conn net.Conn, r *http.Request)

func newHostileServer(t *testing.T, attacks map[string]attack) *hostileServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &hostileServer{Listener: l, over: make(chan struct{}), seen: map[string]bool{}, busy: make(chan struct{})}
	s.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() {
				defer conn.Close()
				ended := make(chan struct{})
				defer close(ended)
				s.serving.Go(func() {
					select {
					case <-s.over:
						conn.Close()
					case <-ended:
					}
				})
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
				s.mu.Lock()
				if s.seen[name] = true; len(s.seen) == most {
					select {
					case <-s.busy:
					default:
						close(s.busy)
					}
				}
				s.mu.Unlock()
				if a := attacks[name]; a != nil {
					a(s, conn, r)
				}
			})
		}
	})
	t.Cleanup(func() {
		close(s.over)
		l.Close()
		s.serving.Wait()
	})
	return s
}

// says answers with the text.
func says(text string) attack {
	return func(_ *hostileServer, conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) }
}

// drips sends the text, and then a piece now and then, without end.
func drips(text, piece string, pause time.Duration) attack {
	return func(s *hostileServer, conn net.Conn, _ *http.Request) {
		_, err := io.WriteString(conn, text)
		for err == nil {
			if pause > 0 {
				select {
				case <-s.over:
					return
				case <-time.After(pause): // how the server behaves, and nothing that the test waits for
				}
			}
			_, err = io.WriteString(conn, piece)
		}
	}
}

// after lists one object well, and attacks who reads it.
func after(a attack) attack {
	return func(s *hostileServer, conn net.Conn, r *http.Request) {
		if r.URL.Query().Has("list-type") {
			page(s, conn, entry("in/a", "5", "e"), "")
			return
		}
		a(s, conn, r)
	}
}

func entry(key, size, tag string) string {
	return "<Contents><Key>" + key + "</Key><Size>" + size + "</Size><ETag>&quot;" + tag + "&quot;</ETag></Contents>"
}

func page(_ *hostileServer, conn net.Conn, entries, more string) {
	truncated := more != ""
	body := fmt.Sprintf("<ListBucketResult><Name>b</Name><IsTruncated>%v</IsTruncated>%s%s</ListBucketResult>", truncated, more, entries)
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func lists(entries string) attack {
	return func(s *hostileServer, conn net.Conn, _ *http.Request) { page(s, conn, entries, "") }
}

func attacks() map[string]attack {
	const ok = "HTTP/1.1 200 OK\r\n"
	const read = ok + "ETag: \"e\"\r\n"
	out := map[string]attack{
		"closes": says(""), "ssh": says("SSH-2.0-x\r\n"), "tls": says("\x15\x03\x01\x00\x02\x02\x46"), "zeros": drips("", strings.Repeat("\x00", 4096), 0), "silent": drips("", "", time.Hour),
		"status-drip": drips("HTTP/1.1 ", "2", time.Millisecond), "header-drip": drips(ok, "X: y\r\n", time.Millisecond), "headers": drips(ok, "X: "+strings.Repeat("y", 4000)+"\r\n", 0),
		"header": drips(ok+"X: ", strings.Repeat("y", 4096), 0), "early": drips("", "HTTP/1.1 103 Early Hints\r\n\r\n", 0), "continue": drips("", "HTTP/1.1 100 Continue\r\n\r\n", time.Millisecond),
		"body-drip": drips(ok+"\r\n<ListBucketResult>", " ", time.Millisecond), "endless": drips(ok+"\r\n<ListBucketResult>", entry("in/a", "5", "e"), 0), "nested": drips(ok+"\r\n<ListBucketResult>", "<a>", 0),
		"attributes": drips(ok+"\r\n<ListBucketResult ", `a="b" `, 0), "entities": says(ok + "\r\n<!DOCTYPE a [<!ENTITY a \"&a;&a;\">]><ListBucketResult>&a;</ListBucketResult>"),
		"bomb": says(ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00garbage"), "chunks": drips(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 0),
		"bad-chunks": says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "big-chunk": says(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"), "trailers": drips(ok+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 0),
		"long": says(ok + "Content-Length: 9223372036854775807\r\n\r\n"), "longer": says(ok + "Content-Length: 9223372036854775808\r\n\r\n"), "negative": says(ok + "Content-Length: -1\r\n\r\n"), "short": says(ok + "Content-Length: 100\r\n\r\n<ListBucketResult>"),
		"html": says(ok + "\r\n<html>"), "json": says(ok + "\r\n{}"), "nothing": says(ok + "Content-Length: 0\r\n\r\n"), "no-content": says("HTTP/1.1 204 No Content\r\n\r\n"),
		"error": says(ok + "\r\n<Error><Code>AccessDenied</Code></Error>"), "slow-down": says("HTTP/1.1 503 Slow Down\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n"), "301": says("HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
		"307": says("HTTP/1.1 307 Moved\r\nLocation: /in/\r\nContent-Length: 0\r\n\r\n"), "skewed": says("HTTP/1.1 403 No\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n<Error><Code>RequestTimeTooSkewed</Code></Error>"),
		"future": says("HTTP/1.1 403 No\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n<Error><Code>RequestTimeTooSkewed</Code></Error>"), "expired": says("HTTP/1.1 400 No\r\n\r\n<Error><Code>ExpiredToken</Code></Error>"),
		"unknown-key": says("HTTP/1.1 403 No\r\n\r\n<Error><Code>InvalidAccessKeyId</Code></Error>"), "401": says("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), "101": says("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
		"999": says("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"), "000": says("HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n"), "region": says("HTTP/1.1 403 No\r\nx-amz-bucket-region: " + strings.Repeat("x-", 400) + "\r\nContent-Length: 0\r\n\r\n"),
		"twice": lists(entry("in/a", "5", "e") + entry("in/a", "5", "e")), "unordered": lists(entry("in/b", "5", "e") + entry("in/a", "5", "e")), "outside": lists(entry("other", "5", "e")), "up": lists(entry("in/../../x", "5", "e")),
		"no-key": lists(entry("", "5", "e")), "huge": lists(entry("in/a", "9223372036854775807", "e")), "minus": lists(entry("in/a", "-1", "e")), "not-a-size": lists(entry("in/a", "x", "e")), "tag": lists(entry("in/a", "5", strings.Repeat("e", 9999))),
		"control": lists(entry("in/&#x1b;[2J", "5", "e")), "nul": lists(entry("in/a&#0;", "5", "e")), "bidi": lists(entry("in/&#x202e;a", "5", "e")), "cut": lists(strings.TrimSuffix(entry("in/a", "5", "e"), "</Contents>")),
		"forever": func(s *hostileServer, conn net.Conn, r *http.Request) {
			page(s, conn, "", "<NextContinuationToken>"+r.URL.Query().Get("continuation-token")+"x</NextContinuationToken>")
		},
		"same-token": func(s *hostileServer, conn net.Conn, _ *http.Request) {
			page(s, conn, "", "<NextContinuationToken>x</NextContinuationToken>")
		},
		"many": func(s *hostileServer, conn net.Conn, r *http.Request) {
			token := r.URL.Query().Get("continuation-token")
			var entries strings.Builder
			for i := range 1000 {
				entries.WriteString(entry(fmt.Sprintf("in/%s%04d", strings.Repeat("z", len(token)), i), "5", "e"))
			}
			page(s, conn, entries.String(), "<NextContinuationToken>"+token+"z</NextContinuationToken>")
		},
	}
	for name, a := range map[string]attack{
		"closes": says(""), "drips": drips(read+"Content-Length: 5\r\n\r\n", "", time.Hour), "header": drips(read+"X: ", strings.Repeat("y", 4096), 0), "more": drips(read+"Content-Length: 5\r\n\r\n", "abcde", 0),
		"less": says(read + "Content-Length: 5\r\n\r\nab"), "other": says(ok + "ETag: \"f\"\r\nContent-Length: 5\r\n\r\nabcde"), "length": says(read + "Content-Length: 999999999999\r\n\r\n"), "range": says("HTTP/1.1 206 x\r\nContent-Range: bytes 9-9/9\r\nContent-Length: 5\r\n\r\nabcde"),
		"500": says("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"), "405": says("HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n"), "checksum": says(read + "x-amz-checksum-sha256: AAAA\r\nContent-Length: 5\r\n\r\nabcde"), "garbage": drips("", "\x01\x02", 0),
	} {
		out["read-"+name] = after(a)
	}
	return out
}

// kept are records that tell of each report.
type kept struct{ reports chan rolecall.CheckReport }

func (kept) Changed(context.Context, rolecall.Organization, rolecall.Connection, rolecall.Principal, string) (time.Time, error) {
	return time.Time{}, nil
}

func (k kept) Keep(_ context.Context, r rolecall.CheckReport) (string, error) {
	k.reports <- r
	return "", nil
}

// Whatever servers answer to one organization, in jobs and checks side by side in
// one process, the others' jobs complete and their checks pass meanwhile.
func TestHostileServersCostNoOtherItsResult(t *testing.T) {
	t.Parallel()
	all := attacks()
	w, orgs := open(t, nil)
	server := newHostileServer(t, all)
	evil := orgs.orgs["evil"]
	evil.Connections = map[string]rolecall.Connection{}
	for name := range all {
		evil.Connections[name] = rolecall.Connection{
			Name: name, Purpose: rolecall.Source, Bucket: name + "-bucket", Prefix: "in/", Region: "eu-central-1",
			RoleARN: "arn:aws:iam::333344445555:role/media", S3EndpointURL: "http://" + server.Addr().String(),
		}
		all[name+"-bucket"] = all[name]
	}
	ctx, enough := context.WithCancel(t.Context())
	var hostile sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(evil.Connections)) {
		hostile.Go(func() {
			plan, err := rolecall.ReadPlan([]byte(`{"tasks": [{"tool": "storage:get", "parameters": {"connection": "`+name+`", "files": ["**"]}}]}`), evil, orgs.vendor, "")
			if err != nil {
				t.Error(err)
				return
			}
			root, err := os.OpenRoot(t.TempDir())
			if err != nil {
				t.Error(err)
				return
			}
			defer root.Close()
			if report := w.Run(ctx, job.Job{ID: job.NewID(), Plan: plan, Dir: root}, nil); report.Status == rolecall.Completed && !strings.HasPrefix(name, "read-more") {
				t.Errorf("%s: %+v", name, report)
			}
		})
	}
	request := func(org rolecall.Organization, c rolecall.Connection) check.Request {
		return check.Request{ID: "check-1", Organization: org, Connection: c, Vendor: orgs.vendor, Principal: orgs.vendor.Principals["production"]}
	}
	var requests []check.Request
	for _, name := range slices.Sorted(maps.Keys(evil.Connections)) {
		requests = append(requests, request(evil, evil.Connections[name]))
	}
	for _, org := range []string{"acme", "globex"} {
		requests = append(requests, request(orgs.orgs[org], orgs.orgs[org].Connections["masters"]))
	}
	records := kept{make(chan rolecall.CheckReport, len(requests))}
	hostile.Go(func() {
		_, _ = check.All(ctx, requests, w, records, func(*check.Request) {}, func(rolecall.CheckReport) {})
	}) // it is cancelled

	select {
	case <-server.busy:
	case <-t.Context().Done():
		t.Fatal("the attacks did not begin")
	}
	var others sync.WaitGroup
	for _, org := range []string{"acme", "globex"} {
		others.Go(func() {
			for range 3 {
				if report, got := orgs.fetch(t, w, org); report.Status != rolecall.Completed || got != org {
					t.Errorf("%s: %s %v, got %q", org, report.StatusText, report.Errors, got)
				}
			}
		})
	}
	others.Wait()
	for passed := 0; passed < 2; {
		if r := <-records.reports; r.Connection == "masters" {
			if passed++; r.Result != rolecall.CheckPass {
				t.Errorf("%+v", r)
			}
		} else if r.Result == rolecall.CheckPass {
			t.Errorf("%s passes: %+v", r.Connection, r)
		}
	}
	enough()
	hostile.Wait()
}

var _ check.Checker = (*worker.Worker)(nil)
