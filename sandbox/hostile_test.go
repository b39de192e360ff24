package sandbox

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{Log: slog.New(slog.DiscardHandler)})
	for _, c := range []struct{ service, target, want string }{
		{"s3", "", "<Code>InternalError</Code>"}, {"sts", "", "<Code>InternalFailure</Code>"}, {"kms", "x", "KMSInternalException"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/b/k", nil)
		call := w.begin(r, nil)
		call.service = c.service
		answer := httptest.NewRecorder()
		out := &recorder{ResponseWriter: answer, control: http.NewResponseController(answer)}
		func() {
			defer w.end(call, out, r)
			panic("a fault of ours")
		}()
		if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), c.want) {
			t.Errorf("%s: %d %s", c.service, answer.Code, answer.Body)
		}
	}
	for _, e := range w.Trail() {
		if e.Status != http.StatusInternalServerError || e.ErrorCode == "" {
			t.Errorf("got %+v", e)
		}
	}
}

func TestDescribeKey(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	const account = "arn:aws:kms:eu-central-1:111122223333:"
	for _, c := range []struct {
		name, operation, body string
		keys                  keys
		status                int
		want                  string
	}{
		{"by id", "DescribeKey", `{"KeyId":"open"}`, keysOf("admin"), 200, `"Arn":"` + account + `key/open"`},
		{"by ARN", "DescribeKey", `{"KeyId":"` + account + `key/open"}`, keysOf("admin"), 200, `"KeyId":"open"`},
		{"of AWS", "DescribeKey", `{"KeyId":"alias/aws/s3"}`, keysOf("admin"), 200, `"KeyManager":"AWS"`},
		{"refused", "DescribeKey", `{"KeyId":"open"}`, keysOf("nobody"), 400, "because no identity-based policy allows the kms:DescribeKey action"},
		{"missing", "DescribeKey", `{"KeyId":"none"}`, keysOf("admin"), 400, "NotFoundException"},
		{"elsewhere", "DescribeKey", `{"KeyId":"arn:aws:kms:us-east-1:111122223333:key/open"}`, keysOf("admin"), 400, "NotFoundException"},
		{"from outside", "DescribeKey", `{"KeyId":"` + account + `key/open"}`, worker, 400, "AccessDeniedException"},
		{"missing, from outside", "DescribeKey", `{"KeyId":"` + account + `key/none"}`, worker, 400, "AccessDeniedException"},
		{"no JSON", "DescribeKey", `{`, keysOf("admin"), 400, "SerializationException"},
		{"another operation", "Decrypt", `{}`, keysOf("admin"), 400, "UnknownOperationException"},
		{"unknown access key", "DescribeKey", `{}`, keys{"AKIANONE", "x", ""}, 400, "UnrecognizedClientException"},
		{"wrong secret", "DescribeKey", `{}`, keys{worker.id, "x", ""}, 400, "InvalidSignatureException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := w.request(t, http.MethodPost, "/", c.body)
			r.Header.Set("X-Amz-Target", "TrentService."+c.operation)
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			sign(t, r, c.keys, "kms", "eu-central-1", sha256Hex(c.body))
			if resp, body := w.fetch(t, r); resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("got %d with %s, want %d with %s", resp.StatusCode, body, c.status, c.want)
			}
		})
	}
}

// A refusal comes without waiting for the body of a client that expects to be
// told to send it, whatever refuses, and on a connection that is kept alive.
// https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
func TestRefusalBeforeTheBody(t *testing.T) {
	t.Parallel()
	w := loaded(t, faulty(Fault{Service: "s3", Operation: "PutObject", Bucket: "acme-open", Error: "throttle"}), Options{})
	admin := keysOf("admin")
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
	}{
		{"anonymous", "/acme-masters/x", func(*http.Request) {}, 403},
		{"no permission", "/acme-masters/x", func(r *http.Request) { sign(t, r, keysOf("nobody"), "s3", "eu-central-1", "UNSIGNED-PAYLOAD") }, 403},
		{"unknown access key", "/acme-masters/x", func(r *http.Request) { sign(t, r, keys{"AKIANONE", "x", ""}, "s3", "eu-central-1", "UNSIGNED-PAYLOAD") }, 403},
		{"wrong secret", "/acme-masters/x", func(r *http.Request) {
			sign(t, r, keys{admin.id, "x", ""}, "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
		}, 403},
		{"malformed signature", "/acme-masters/x", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, 400},
		{"another region", "/acme-masters/x", func(r *http.Request) { sign(t, r, admin, "s3", "us-west-2", "UNSIGNED-PAYLOAD") }, 400},
		{"unknown bucket", "/none-such/x", func(r *http.Request) { sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD") }, 404},
		{"a header's value", "/acme-masters/x", func(r *http.Request) {
			r.Header.Set("X-Amz-Storage-Class", "COLD")
			sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
		}, 400},
		{"a condition", "/acme-masters/in/a.mov", func(r *http.Request) {
			r.Header.Set("If-None-Match", "*")
			sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
		}, 412},
		{"a hashed body", "/acme-masters/x", func(r *http.Request) { sign(t, r, keysOf("nobody"), "s3", "eu-central-1", sha256Hex("bytes")) }, 403},
		{"a framed body", "/acme-masters/x", func(r *http.Request) {
			r.Header.Set("X-Amz-Decoded-Content-Length", "1")
			sign(t, r, keysOf("nobody"), "s3", "eu-central-1", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		}, 403},
		{"an unknown upload", "/acme-masters/x?partNumber=1&uploadId=none", func(r *http.Request) { sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD") }, 404},
		{"a fault", "/acme-open/x", func(r *http.Request) { sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD") }, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			transport := &http.Transport{ExpectContinueTimeout: time.Minute}
			t.Cleanup(transport.CloseIdleConnections)
			r := w.request(t, http.MethodPut, c.path, "bytes")
			r.Header.Set("Expect", "100-continue")
			c.change(r)
			began := time.Now()
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if took := time.Since(began); resp.StatusCode != c.status || took > 30*time.Second {
				t.Errorf("%d after %s, want %d", resp.StatusCode, took, c.status)
			}
		})
	}
}

// FuzzServeHTTP sends anything to a bucket on which everything is allowed to
// everyone: nothing may be a fault of the server's own.
func FuzzServeHTTP(f *testing.F) {
	cfg := &Config{Accounts: map[string]*Account{"111122223333": {Buckets: map[string]*Bucket{"open": {
		Region: "eu-central-1", Versioning: true,
		Policy: builtin(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":["arn:aws:s3:::open","arn:aws:s3:::open/*"]}}`),
	}}}}}
	s := start(f, cfg, Options{Log: slog.New(slog.DiscardHandler)})
	for _, seed := range [][5]string{
		{"GET", "/open/k?partNumber=1", "", "Range: bytes=0-1", ""},
		{"PUT", "/open/a/../b", "x:1", "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\nX-Amz-Decoded-Content-Length: 1", "1\r\nx\r\n0\r\n\r\n"},
		{"PUT", "/open/k", "", "X-Amz-Copy-Source: open/k?versionId=null", ""},
		{"PUT", "/open/k?tagging", "", "", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"},
		{"POST", "/open?delete", "", "", "<Delete><Object><Key>k</Key></Object></Delete>"},
		{"POST", "/open/k?uploads", "", "", ""},
		{"POST", "/open/k?uploadId=x", "", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>"},
		{"GET", "/open?list-type=2&max-keys=-1&continuation-token=%00", "", "", ""},
		{"GET", "/open?versions&key-marker=k&encoding-type=url", "open.s3.localhost", "", ""},
		{"POST", "/", "", "Content-Type: application/x-www-form-urlencoded", "Action=AssumeRole"},
		{"POST", "/", "", "X-Amz-Target: TrentService.DescribeKey", "{}"},
		{"GET", "/open/k", "", "Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0", 64), ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, method, target, host, headers, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.ContainsAny(method, " \r\n\x00") {
			return
		}
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL, r.Host = method, u, host
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		if answer.Code >= http.StatusInternalServerError && answer.Code != http.StatusNotImplemented {
			t.Errorf("%d: %s", answer.Code, answer.Body)
		}
	})
}
