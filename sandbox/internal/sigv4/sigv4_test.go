package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

var keys = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret}

// request builds one as a server sees it, out of what a client would send.
func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// received is the request after its way over the wire.
func received(r *http.Request) *http.Request {
	out := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.String(), r.Body)
	out.Header, out.Host, out.ContentLength = r.Header.Clone(), r.URL.Host, r.ContentLength
	out.Header.Del("Host")
	return out
}

func sdkSign(t testing.TB, r *http.Request, service, payload string, options ...func(*v4.SignerOptions)) {
	t.Helper()
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payload)
		options = append(options, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	}
	if err := v4.NewSigner(options...).SignHTTP(t.Context(), keys, r, payload, service, "eu-central-1", noon); err != nil {
		t.Fatal(err)
	}
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// verify returns the body that a handler would read.
func verify(r *http.Request, secret string, now time.Time) (string, error) {
	s, err := Parse(r)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("not signed")
	}
	if err := s.Verify(r, secret, now); err != nil {
		return "", err
	}
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

func TestAcceptsWhatTheSDKSigns(t *testing.T) {
	t.Parallel()
	body := "hello"
	sum := sha256.Sum256([]byte(body))
	hexSum := hex.EncodeToString(sum[:])
	for _, c := range []struct{ name, method, url, service, payload string }{
		{"hashed", "PUT", "http://localhost:9000/b/key", "s3", hexSum},
		{"unsigned payload", "PUT", "http://localhost:9000/b/key", "s3", unsignedPayload},
		{"spaces and unicode", "PUT", "http://localhost:9000/b/a%20b/%C3%A4%2B%25.mov", "s3", hexSum},
		{"dots", "PUT", "http://localhost:9000/b/a/../b/./c//d", "s3", hexSum},
		{"query", "PUT", "http://localhost:9000/b?list-type=2&prefix=a%20b%2F&delimiter=%2F&x=&a=2&a=1", "s3", hexSum},
		{"sub-resource", "PUT", "http://localhost:9000/b/k?uploads", "s3", hexSum},
		{"sts", "POST", "http://localhost:9000/", "sts", hexSum},
		{"path of another service", "POST", "http://localhost:9000/a%20b/c", "execute-api", hexSum},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, c.method, c.url, body)
			r.Header.Set("Content-Type", "text/plain;  charset=utf-8")
			sdkSign(t, r, c.service, c.payload)
			got, err := verify(received(r), secret, noon.Add(14*time.Minute))
			if err != nil || got != body {
				t.Fatalf("got body %q and error %v", got, err)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		secret string
		now    time.Time
		want   Kind
	}{
		{"another secret", nil, "other", noon, Mismatch},
		{"another path", func(r *http.Request) { r.URL.Path = "/b/other" }, secret, noon, Mismatch},
		{"another method", func(r *http.Request) { r.Method = "DELETE" }, secret, noon, Mismatch},
		{"another host", func(r *http.Request) { r.Host = "elsewhere" }, secret, noon, Mismatch},
		{"one more parameter", func(r *http.Request) { r.URL.RawQuery = "acl" }, secret, noon, Mismatch},
		{"an unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, secret, noon, Unsigned},
		{"a changed header", func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") }, secret, noon, Mismatch},
		{"too late", nil, secret, noon.Add(16 * time.Minute), Skewed},
		{"too early", nil, secret, noon.Add(-16 * time.Minute), Skewed},
		{"another body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("evil!")) }, secret, noon, WrongHash},
		{"no hash", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, secret, noon, NoHash},
		{"signed twice", func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=a" }, secret, noon, Ambiguous},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, secret, noon, Ambiguous},
		{"version 2", func(r *http.Request) { r.Header.Set("Authorization", "AWS AKIA:abc=") }, secret, noon, Unsupported},
		{"empty", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ") }, secret, noon, Malformed},
		{"another date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260302T120000Z") }, secret, noon, Skewed},
		{"a credential of another date", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/20260301/", "/20260228/", 1))
		}, secret, noon, WrongDate},
		{"another service", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/s3/", "/sts/", 1))
		}, secret, noon, Mismatch},
		{"a malformed hash", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "invalid") }, secret, noon, BadHash},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, secret, noon, NoDate},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, "PUT", "http://localhost/b/key", "hello")
			r.Header.Set("X-Amz-Meta-A", "1")
			sum := sha256.Sum256([]byte("hello"))
			sdkSign(t, r, "s3", hex.EncodeToString(sum[:]))
			in := received(r)
			if c.change != nil {
				c.change(in)
			}
			if _, err := verify(in, c.secret, c.now); kindOf(err) != c.want {
				t.Fatalf("kind %d, want %d: %v", kindOf(err), c.want, err)
			}
		})
	}
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	presign := func(service, query string) *http.Request {
		r := request(t, "GET", "http://localhost/b/a%20key"+query, "")
		hash := unsignedPayload
		if service != "s3" {
			hash = emptyHash
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		url, _, err := signer.PresignHTTP(t.Context(), keys, r, hash, service, "eu-central-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		return received(request(t, "GET", url, ""))
	}
	for _, c := range []struct {
		name, service, query string
		change               func(*http.Request)
		now                  time.Time
		want                 Kind
	}{
		{"in time", "s3", "?X-Amz-Expires=3600", nil, noon.Add(59 * time.Minute), 0},
		{"expired", "s3", "?X-Amz-Expires=3600", nil, noon.Add(61 * time.Minute), Expired},
		{"from the future", "s3", "?X-Amz-Expires=3600", nil, noon.Add(-time.Hour), Early},
		{"too long", "s3", "?X-Amz-Expires=604801", nil, noon, Malformed},
		{"no expiry", "s3", "", nil, noon, Malformed},
		{"negative expiry", "s3", "?X-Amz-Expires=-1", nil, noon, Malformed},
		{"sts without expiry", "sts", "?Action=GetCallerIdentity", nil, noon.Add(time.Minute), 0},
		{"another key", "s3", "?X-Amz-Expires=3600", func(r *http.Request) { r.URL.Path = "/b/other" }, noon, Mismatch},
		{"longer life", "s3", "?X-Amz-Expires=3600", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=3600", "Expires=7200", 1)
		}, noon, Mismatch},
		{"an unsigned header", "s3", "?X-Amz-Expires=3600", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "private") }, noon, Unsigned},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := presign(c.service, c.query)
			if c.change != nil {
				c.change(r)
			}
			if _, err := verify(r, secret, c.now); kindOf(err) != c.want || (c.want == 0) != (err == nil) {
				t.Fatalf("kind %d, want %d: %v", kindOf(err), c.want, err)
			}
		})
	}
}

func TestUnsignedRequestsAreNone(t *testing.T) {
	t.Parallel()
	if s, err := Parse(received(request(t, "GET", "http://localhost/b/k?list-type=2", ""))); s != nil || err != nil {
		t.Fatalf("got %v, %v", s, err)
	}
}

// The two examples of chunked signing in AWS's documentation:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type example struct {
	payload, seed, signed string
	chunks                [3]string
	length                string
	trailer               string
}

var plainExample = example{
	payload: streaming,
	seed:    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	signed:  "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
	chunks: [3]string{
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	},
	length: "66824",
}

var trailerExample = example{
	payload: streamingTrailer,
	seed:    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
	signed:  "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
	chunks: [3]string{
		"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
	},
	trailer: "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
}

var exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func (e example) body() string {
	return "10000;chunk-signature=" + e.chunks[0] + "\r\n" + strings.Repeat("a", 65536) +
		"\r\n400;chunk-signature=" + e.chunks[1] + "\r\n" + strings.Repeat("a", 1024) +
		"\r\n0;chunk-signature=" + e.chunks[2] + "\r\n" + e.trailer + "\r\n"
}

func (e example) request(t testing.TB, body string) *http.Request {
	r := request(t, "PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", body)
	for name, value := range map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=" + e.signed + ",Signature=" + e.seed,
		"X-Amz-Content-Sha256": e.payload, "Content-Encoding": "aws-chunked",
		"X-Amz-Decoded-Content-Length": "66560",
	} {
		r.Header.Set(name, value)
	}
	if e.length != "" {
		r.Header.Set("Content-Length", e.length)
	}
	if e.trailer != "" {
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
	}
	return received(r)
}

func TestChunkedExamples(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]example{"plain": plainExample, "trailer": trailerExample} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := e.request(t, e.body())
			got, err := verify(r, secret, exampleTime)
			if err != nil || got != strings.Repeat("a", 66560) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if r.ContentLength != 66560 || r.Header.Get("Content-Encoding") != "" {
				t.Errorf("length %d, encoding %q", r.ContentLength, r.Header.Get("Content-Encoding"))
			}
			if got := r.Trailer.Get("X-Amz-Checksum-Crc32c"); (got != "") != (e.trailer != "") {
				t.Errorf("trailer %q", got)
			}
		})
	}
}

func TestChunkedRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		of       example
		old, new string
		want     Kind
	}{
		{"changed data", plainExample, "aaaa\r\n400", "aaab\r\n400", Mismatch},
		{"changed last signature", plainExample, "b6c6ea", "c6c6ea", Mismatch},
		{"no chunk signature", plainExample, ";chunk-signature=" + plainExample.chunks[1], "", Mismatch},
		{"longer than declared", plainExample, "10000;", "100000;", BadChunk},
		{"huge size", plainExample, "10000;", "ffffffffffffffff;", ChunkSize},
		{"bad size", plainExample, "10000;", "-1;", ChunkSize},
		{"cut", plainExample, "0;chunk-signature=" + plainExample.chunks[2] + "\r\n\r\n", "", ShortBody},
		{"early end", plainExample, "400;chunk-signature=" + plainExample.chunks[1] + "\r\n" + strings.Repeat("a", 1024) + "\r\n", "", ShortBody},
		{"longer data", plainExample, "\r\n400;", "a\r\n400;", BadChunk},
		{"more after the end", plainExample, plainExample.chunks[2] + "\r\n\r\n", plainExample.chunks[2] + "\r\n\r\nmore", BadChunk},
		{"trailers where none belong", plainExample, plainExample.chunks[2] + "\r\n", plainExample.chunks[2] + "\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n", BadTrailer},
		{"long line", plainExample, "10000;", strings.Repeat("0", 5000), BadChunk},
		{"changed trailer", trailerExample, "sOO8/Q==", "AAAA/Q==", Mismatch},
		{"no trailer signature", trailerExample, "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n", "", Mismatch},
		{"unannounced trailer", trailerExample, "x-amz-checksum-crc32c:", "x-amz-checksum-crc32:", BadTrailer},
		{"missing trailer", trailerExample, trailerExample.trailer, "", BadTrailer},
		{"no signature behind the empty line", trailerExample, "==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n", "==\n\r\n", Mismatch},
		{"two empty lines before the signature", trailerExample, "==\r\n", "==\n\r\n\r\n", Mismatch},
		{"a trailer behind the empty line", trailerExample, "x-amz-trailer-signature", "\r\nx-amz-checksum-crc32:a\r\nx-amz-trailer-signature", BadTrailer},
		{"trailer after the signature", trailerExample, "7fe2e435\r\n", "7fe2e435\r\nx-amz-checksum-crc32c:a\r\n", BadTrailer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := strings.Replace(c.of.body(), c.old, c.new, 1)
			_, err := verify(c.of.request(t, body), secret, exampleTime)
			if kindOf(err) != c.want {
				t.Fatalf("kind %d, want %d: %v", kindOf(err), c.want, err)
			}
		})
	}
}

// Clients end trailers in several ways; all of them have the same signature.
func TestEndsOfTrailers(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"==\r\n", "==\n", "==\n\r\n", "==\r\n\r\n"} {
		r := trailerExample.request(t, strings.Replace(trailerExample.body(), "==\r\n", end, 1))
		if got, err := verify(r, secret, exampleTime); err != nil || len(got) != 66560 || r.Trailer.Get("X-Amz-Checksum-Crc32c") != "sOO8/Q==" {
			t.Errorf("signed, %q: %d bytes, %v", end, len(got), err)
		}
	}
	for _, end := range []string{"==\n\r\n", "==\n\r\n\r\n", "==\r\n\r\n\r\n"} {
		testUnsignedTrailer(t, end)
	}
}

func TestUnsignedChunksWithTrailer(t *testing.T) {
	t.Parallel()
	testUnsignedTrailer(t, "==\r\n\r\n")
}

func testUnsignedTrailer(t *testing.T, end string) {
	t.Helper()
	r := request(t, "PUT", "http://localhost/b/key", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg"+end)
	r.Header.Set("X-Amz-Decoded-Content-Length", "5")
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("Content-Encoding", "gzip,aws-chunked")
	sdkSign(t, r, "s3", streamingUnsigned)
	in := received(r)
	got, err := verify(in, secret, noon)
	if err != nil || got != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
	if in.Trailer.Get("X-Amz-Checksum-Crc32") != "NhCmhg==" || in.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("trailer %v, encoding %q", in.Trailer, in.Header.Get("Content-Encoding"))
	}
}

func TestUnsignedRequestsAreDecoded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, payload, body, want string
		kind                      Kind
	}{
		{"plain", "", "hello", "hello", 0},
		{"unsigned payload", unsignedPayload, "hello", "hello", 0},
		{"chunks", streamingUnsigned, "5\r\nhello\r\n0\r\n\r\n", "hello", 0},
		{"small chunks", streamingUnsigned, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "he", ChunkSize},
		{"hashed", emptyHash, "", "", 0},
		{"wrongly hashed", emptyHash, "hello", "hello", WrongHash},
		{"signed chunks", streaming, "0\r\n\r\n", "", NoHash},
		{"nonsense", "abc", "hello", "", BadHash},
	} {
		r := received(request(t, "PUT", "http://localhost/b/key", c.body))
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		if c.payload != "" {
			r.Header.Set("X-Amz-Content-Sha256", c.payload)
		}
		err := Decode(r)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(r.Body)
		}
		if kindOf(err) != c.kind || string(body) != c.want {
			t.Errorf("%s: %q, %v", c.name, body, err)
		}
	}
}

// Who presigned an upload does not know its body; who uploads may hash it.
func TestPresignedUploadWithHash(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Kind{"": 0, "evil": WrongHash} {
		r := request(t, "PUT", "http://localhost/b/key?X-Amz-Expires=60", "")
		url, _, err := v4.NewSigner().PresignHTTP(t.Context(), keys, r, unsignedPayload, "s3", "eu-central-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		in := received(request(t, "PUT", url, body))
		in.Header.Set("X-Amz-Content-Sha256", emptyHash)
		if _, err := verify(in, secret, noon); kindOf(err) != want {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("", "AWS4-HMAC-SHA256 Credential=A/20260301/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature="+emptyHash, "20260301T120000Z")
	f.Add("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260301%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature="+emptyHash, "", "")
	f.Add("AWSAccessKeyId=a&Signature=b", "AWS a:b", "")
	f.Add("a=%zz&=&&;", "AWS4-HMAC-SHA256 a=b,,", "Mon, 01 Mar 2026 12:00:00 GMT")
	f.Fuzz(func(t *testing.T, query, authorization, date string) {
		r := httptest.NewRequestWithContext(context.Background(), "GET", "http://localhost/b/k", nil)
		r.URL.RawQuery = query
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		r.Header.Set("X-Amz-Date", date)
		s, err := Parse(r)
		if err != nil && kindOf(err) == 0 {
			t.Fatalf("untyped error %v", err)
		}
		if s == nil {
			return
		}
		if err := s.Verify(r, "not the secret", noon); err == nil {
			t.Fatal("a guessed signature was accepted")
		}
	})
}

func FuzzChunked(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), int64(5))
	f.Add([]byte("5;chunk-signature=ab\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), int64(5))
	f.Add([]byte("ffffffffffffffff\r\n"), int64(1))
	f.Fuzz(func(t *testing.T, body []byte, length int64) {
		if length < 0 {
			return
		}
		r := httptest.NewRequestWithContext(context.Background(), "PUT", "http://localhost/b/k", bytes.NewReader(body))
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		c := newChunked(r, length)
		c.trailers = true
		out, err := io.ReadAll(c)
		if err == nil && int64(len(out)) != length {
			t.Fatalf("%d bytes accepted, %d declared", len(out), length)
		}
		if err != nil && kindOf(err) == 0 {
			t.Fatalf("untyped error %v", err)
		}
	})
}
