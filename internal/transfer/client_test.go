package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// numberedCredentials returns credentials numbered 1, 2, …, with a new number
// after the current ones are invalidated.
type numberedCredentials struct {
	mu  sync.Mutex
	now int
}

func (p *numberedCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: strconv.Itoa(p.now)}, nil
}

func (p *numberedCredentials) Invalidate(c aws.Credentials) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.SessionToken == strconv.Itoa(p.now) {
		p.now++
	}
}

// sessionLimit refuses a session after it has been used a number of times.
type sessionLimit struct {
	mu   sync.Mutex
	uses map[string]int
	most int
}

func (e *sessionLimit) tamper(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
	e.mu.Lock()
	token := r.Header.Get("X-Amz-Security-Token")
	e.uses[token]++
	over := e.uses[token] > e.most
	e.mu.Unlock()
	if over {
		refuse(w, r, http.StatusBadRequest, "ExpiredToken")
		return
	}
	next(w, r)
}

func TestTransferAcrossExpiries(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	data := testBytes(48*mib + 1) // seven parts
	o := s.store(t, "big", data)
	root := newRoot(t)
	write(t, root, "up", data)
	for name, do := range map[string]func(from, to Bucket) error{
		"get": func(from, _ Bucket) error {
			_, err := Get(t.Context(), from, o, root, "down", GetOptions{})
			return err
		},
		"put": func(_, to Bucket) error {
			_, err := Put(t.Context(), to, "put", root, "up", PutOptions{})
			return err
		},
		"copy": func(from, to Bucket) error {
			_, err := Copy(t.Context(), from, o, to, "copy", PutOptions{})
			return err
		},
	} {
		p, e := &numberedCredentials{}, &sessionLimit{uses: map[string]int{}, most: 2}
		s.setTamper(e.tamper)
		if err := do(s.bucketFor(t, "origin", p), s.bucketFor(t, "target", p)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.setTamper(nil)
		if p.now < 3 {
			t.Errorf("%s saw %d expiries", name, p.now)
		}
	}
	for _, key := range []string{"put", "copy"} {
		if _, err := Get(t.Context(), s.bucket(t, "target"), Object{Key: key}, root, key, GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"down", "put", "copy"} {
		if got, err := root.ReadFile(name); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: the bytes differ, %v", name, err)
		}
	}
}

// Where S3 says of a session that it does not know it, and knew it before or
// will soon, a transfer goes on: with the same session, or with a new one. What
// stays unknown is an error after three answers.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	static := credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "")
	for name, c := range map[string]struct {
		provider   aws.CredentialsProvider
		code       string
		first, end int // which answers of each operation say so
		ok         bool
	}{
		"one of a session":          {&numberedCredentials{}, "InvalidAccessKeyId", 0, 1, true},
		"another code":              {&numberedCredentials{}, "InvalidToken", 0, 1, true},
		"one later":                 {&numberedCredentials{}, "InvalidToken", 1, 2, true},
		"two, until a new session":  {&numberedCredentials{}, "InvalidAccessKeyId", 0, 2, true},
		"all":                       {&numberedCredentials{}, "InvalidAccessKeyId", 0, 100, false},
		"one of static keys":        {static, "InvalidAccessKeyId", 1, 2, true},
		"static keys at first":      {static, "InvalidAccessKeyId", 0, 1, false},
		"another refusal":           {&numberedCredentials{}, "SignatureDoesNotMatch", 0, 1, false},
		"a signature of known keys": {static, "SignatureDoesNotMatch", 1, 2, true},
		"two signatures of them":    {static, "SignatureDoesNotMatch", 1, 3, false},
		"one time":                  {static, "RequestTimeTooSkewed", 0, 1, true},
		"another word for it":       {&numberedCredentials{}, "RequestExpired", 1, 2, true},
		"all times":                 {static, "RequestTimeTooSkewed", 0, 100, false},
	} {
		for _, operation := range []string{"GetObject", "ListObjectsV2"} { // ours, and the AWS SDK's
			t.Run(name+" "+operation, func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				o := s.store(t, "x", testBytes(10))
				b, root := s.bucketFor(t, "origin", c.provider), newRoot(t)
				var asked atomic.Int64
				s.setTamper(func(w http.ResponseWriter, r *http.Request, op string, next http.HandlerFunc) {
					if op != operation {
						next(w, r)
						return
					}
					if n := int(asked.Add(1)) - 1; n >= c.first && n < c.end {
						refuse(w, r, http.StatusForbidden, c.code)
						return
					}
					next(w, r)
				})
				var err error
				for range 1 + min(c.first, 1) {
					if operation == "GetObject" {
						_, err = Get(t.Context(), b, o, root, "x", GetOptions{})
					} else {
						for _, failed := range List(t.Context(), b, "") {
							err = failed
						}
					}
				}
				switch {
				case c.ok && err != nil:
					t.Error(err)
				case !c.ok:
					wantKind(t, err, BadCredentials)
				}
				if n := asked.Load(); n > unknownLimit+1 {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}

// counted counts the bytes read from a body.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// A refusal arrives before the body is sent, which would reset the connection
// and lose the refusal.
func TestRefusedBodyStays(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	root := newRoot(t)
	write(t, root, "x", testBytes(3*mib))
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	var sent atomic.Int64
	b := Bucket{Name: "target", Client: NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Endpoint: s.url, PathStyle: true,
		HTTP: doer(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				r.Body = counted{r.Body, &sent}
			}
			return transport.RoundTrip(r)
		}),
	})}
	s.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, _ http.HandlerFunc) {
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	})
	_, err := Put(t.Context(), b, "x", root, "x", PutOptions{})
	wantKind(t, err, Denied)
	if n := sent.Load(); n != 0 {
		t.Errorf("%d bytes were sent", n)
	}
	s.setTamper(nil)
	if _, err := Put(t.Context(), b, "x", root, "x", PutOptions{}); err != nil || sent.Load() != framedLength(3*mib) {
		t.Errorf("sent %d bytes, %v", sent.Load(), err)
	}
}

// HEAD cannot say that the credentials expired.
func TestHeadExpired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, size := range []int{0, 10} {
		s.store(t, "x", testBytes(size))
		s.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
			if r.Header.Get("X-Amz-Security-Token") == "0" {
				refuse(w, r, http.StatusBadRequest, "ExpiredToken")
				return
			}
			next(w, r)
		})
		p := &numberedCredentials{}
		if o, err := Head(t.Context(), s.bucketFor(t, "origin", p), "x"); err != nil || o.Size != int64(size) || p.now != 1 {
			t.Error(o, err, p.now)
		}
		s.setTamper(nil)
	}
}

// Expired credentials that cannot be renewed are an error.
func TestExpired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	o := s.store(t, "x", testBytes(10))
	s.setTamper((&sessionLimit{uses: map[string]int{}}).tamper)
	before := s.count("GetObject")
	_, err := Get(t.Context(), s.bucket(t, "origin"), o, newRoot(t), "x", GetOptions{})
	wantKind(t, err, Expired)
	if n := s.count("GetObject") - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

type failing struct{ err error }

func (f failing) Retrieve(context.Context) (aws.Credentials, error) { return aws.Credentials{}, f.err }

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	reason := errors.New("the role does not trust us")
	_, err := Head(t.Context(), s.bucketFor(t, "origin", failing{reason}), "x")
	if e := wantError(t, err, NoCredentials); !errors.Is(err, reason) || e.Op != "head" || e.Key != "x" {
		t.Errorf("got %+v", e)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.store(t, "x", testBytes(10))
	b := s.bucket(t, "origin")
	b.Owner = "444455556666"
	// The reason is found although the answer to HEAD has no body.
	_, err := Head(t.Context(), b, "x")
	if e := wantError(t, err, Denied); e.Code != "AccessDenied" || e.Text == "" {
		t.Errorf("got %+v", e)
	}
	for _, err := range List(t.Context(), b, "") {
		wantKind(t, err, Denied)
	}
}

func TestSlowDown(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.store(t, "x", testBytes(10))
	var once sync.Once
	s.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
		slow := false
		once.Do(func() { slow = true })
		if slow {
			refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
			return
		}
		next(w, r)
	})
	for _, err := range List(t.Context(), s.bucket(t, "origin"), "") {
		if err != nil {
			t.Error(err)
		}
	}
	if n := s.count("ListObjectsV2"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// The payload is not hashed to be signed, with TLS or without.
func TestPayloadSigning(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	note := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"e"`)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("X-Amz-Content-Sha256"))
	})
	root := newRoot(t)
	write(t, root, "empty", nil)
	secure, open := httptest.NewTLSServer(note), httptest.NewServer(note)
	for _, server := range []*httptest.Server{secure, open} {
		defer server.Close()
		b := Bucket{Name: "b", Client: NewClient(ClientOptions{
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Endpoint: server.URL, PathStyle: true, HTTP: server.Client(),
		})}
		if _, err := Put(t.Context(), b, "x", root, "empty", PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2 || seen[0] != unsigned || seen[1] != unsigned {
		t.Errorf("payloads are signed as %q", seen)
	}
}

// doer answers requests without a network, so that tests can use synctest's
// clock.
type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

func (f doer) bucket() Bucket {
	return Bucket{Name: "b", Client: NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Endpoint: "http://s3.invalid", PathStyle: true, HTTP: f,
	})}
}

// hanging is a body that returns some bytes and then nothing until it is
// canceled.
type hanging struct {
	io.Reader
	ctx context.Context
}

func (h hanging) Read(p []byte) (int, error) {
	if n, err := h.Reader.Read(p); err == nil {
		return n, nil
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func answer(r *http.Request, status int, body io.Reader, length int, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Etag": {`"e"`}}, Body: io.NopCloser(body), ContentLength: int64(length), Request: r,
	}
	resp.Header.Set("Content-Length", strconv.Itoa(length))
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func readAll(ctx context.Context, s source, w io.Writer) error {
	return s.stream(ctx, span{0, s.Size}, checksum{}).copyTo(w, s.Client.wire.limits)
}

func TestStalledBodyIsResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.Header.Get("Range"))
			if len(asked) == 1 {
				return answer(r, http.StatusOK, hanging{strings.NewReader("abc"), r.Context()}, 8), nil
			}
			return answer(r, http.StatusPartialContent, strings.NewReader("defgh"), 5, "Content-Range", "bytes 3-7/8"), nil
		}).bucket()
		var got bytes.Buffer
		began := time.Now()
		if err := readAll(t.Context(), source{b, Object{Key: "x", Size: 8, ETag: `"e"`}}, &got); err != nil {
			t.Fatal(err)
		}
		if got.String() != "abcdefgh" || len(asked) != 2 || asked[1] != "bytes=3-7" {
			t.Errorf("got %q after asking for %q", got.String(), asked)
		}
		if waited := time.Since(began); waited < stallLimit || waited > stallLimit+time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestStalledUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			if asked++; asked == 1 {
				if _, err := r.Body.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			_, err := io.Copy(io.Discard, r.Body)
			return answer(r, http.StatusOK, strings.NewReader(""), 0), err
		}).bucket()
		u := upload{to: b, key: "x", size: 8, open: func(context.Context, span) content {
			return memoryContent{Reader: bytes.NewReader([]byte("abcdefgh"))}
		}, check: func(sum) error { return nil }, sourceProperties: func() (http.Header, error) { return http.Header{}, nil }}
		if _, err := u.run(t.Context()); err != nil || asked != 2 {
			t.Errorf("%v after %d requests", err, asked)
		}
	})
}

func TestFailingReadsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			return answer(r, http.StatusOK, strings.NewReader(""), 8), nil
		}).bucket()
		err := readAll(t.Context(), source{b, Object{Key: "x", Size: 8}}, io.Discard)
		if !errors.Is(err, io.ErrUnexpectedEOF) || kindOf(err) != Unreachable || asked != maxFailures {
			t.Errorf("%v after %d requests", err, asked)
		}
		if e := wantError(t, fault("get", b, "x", err), Unreachable); e.Attempts != maxFailures || e.Took < time.Second {
			t.Errorf("%d attempts in %v", e.Attempts, e.Took)
		}
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, &timeout{}
		}).bucket()
		_, err := Head(t.Context(), b, "x")
		wantKind(t, err, Unreachable)
		if asked != attempts {
			t.Errorf("tried %d times", asked)
		}
	})
}

// timeout is an error like net/http's own timeouts.
type timeout struct{}

func (*timeout) Error() string        { return "timeout awaiting response headers" }
func (*timeout) Timeout() bool        { return true }
func (*timeout) Is(target error) bool { return target == context.DeadlineExceeded }

// A canceled read ends at once, even during a pause.
func TestCanceledPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := doer(func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusOK, strings.NewReader(""), 8), nil
		}).bucket()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		err := readAll(ctx, source{b, Object{Key: "x", Size: 8}}, io.Discard)
		if kindOf(err) != Canceled {
			t.Error(err)
		}
	})
}
