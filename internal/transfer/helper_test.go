package transfer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	sandbox "github.com/rolecall/rolecall/sandbox/s3"
)

func TestMain(m *testing.M) {
	if os.Getenv("ROLECALL_TEST_DISK_FULL") != "" {
		os.Exit(getOntoFullDisk())
	}
	// Nothing ends a toxic, or what is before it, whose connection is gone.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}

const (
	owner   = "111122223333"
	session = "arn:aws:sts::" + owner + ":assumed-role/media/acme.job"
)

// everyone may do everything: policies are not what is tested here.
type everyone struct{}

func (everyone) Authorize(context.Context, sandbox.Access) *sandbox.Error { return nil }
func (everyone) UseKey(context.Context, sandbox.KeyUse) *sandbox.Error    { return nil }
func (everyone) Caller(context.Context) string                            { return owner }
func (everyone) CallerARN(context.Context) string                         { return session }

// server is the sandbox's S3 with a hand in between.
type server struct {
	*sandbox.Service
	url string

	mu     sync.Mutex
	asked  []string // operations, in order
	tamper tamper
}

// tamper stands between a client and S3, which is next.
type tamper func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc)

func newServer(t *testing.T) *server {
	t.Helper()
	service, err := sandbox.New(sandbox.Config{
		Dir: t.TempDir(), Authority: everyone{},
		Buckets: []sandbox.Bucket{
			{Name: "origin", Account: owner, Region: "us-east-1"},
			{Name: "target", Account: owner, Region: "us-east-1"},
			{Name: "versions", Account: owner, Region: "us-east-1", Versioning: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Service: service}
	h := httptest.NewServer(s)
	s.url = h.URL
	t.Cleanup(func() {
		h.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := s.Operation(r)
	s.mu.Lock()
	s.asked = append(s.asked, operation)
	tamper := s.tamper
	s.mu.Unlock()
	if tamper != nil {
		tamper(w, r, operation, s.serve)
		return
	}
	s.serve(w, r)
}

// serve takes a body of one chunk out of its frame, as the sandbox's front
// does, which is not here.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Content-Sha256") == unsignedTrailer {
		in := bufio.NewReader(r.Body)
		line, err := in.ReadString('\n')
		if err == nil {
			r.ContentLength, err = strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		}
		if err != nil {
			refuse(w, r, http.StatusBadRequest, "IncompleteBody")
			return
		}
		r.Trailer = http.Header{}
		r.Body = &unframed{Reader: io.LimitReader(in, r.ContentLength), rest: in, trailer: r.Trailer}
	}
	s.Service.ServeHTTP(w, r)
}

type unframed struct {
	io.Reader
	rest    *bufio.Reader
	trailer http.Header
}

func (u *unframed) Close() error { return nil }

func (u *unframed) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		rest, err := io.ReadAll(u.rest)
		_, value, ok := strings.Cut(string(rest), "\r\n0\r\n"+crc64Trailer+":")
		if err != nil || !ok || !strings.HasSuffix(value, "\r\n\r\n") {
			return n, io.ErrUnexpectedEOF
		}
		u.trailer.Set(crc64Trailer, strings.TrimSpace(value))
	}
	return n, err
}

func (s *server) meddle(f tamper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tamper = f
}

// refuse answers with an error of S3's.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	sandbox.WriteError(w, r, &sandbox.Error{Status: status, Code: code, Message: "as the test wants it"})
}

func (s *server) count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, o := range s.asked {
		if o == operation {
			n++
		}
	}
	return n
}

func (s *server) bucket(t *testing.T, name string) Bucket {
	return s.bucketFor(t, name, credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""))
}

func (s *server) bucketFor(t *testing.T, name string, provider aws.CredentialsProvider) Bucket {
	transport := &http.Transport{MaxIdleConnsPerHost: 16, ExpectContinueTimeout: time.Minute} // a busy machine may be slow to refuse
	t.Cleanup(transport.CloseIdleConnections)
	return Bucket{Name: name, Owner: owner, Client: NewClient(ClientOptions{
		Credentials: provider, Endpoint: s.url, PathStyle: true, UserAgent: "test", HTTP: &http.Client{Transport: transport},
	})}
}

// noise gives bytes that no two objects share.
func noise(n int) []byte {
	var seed [32]byte
	copy(seed[:], []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	data := make([]byte, n)
	rand.NewChaCha8(seed).Read(data) //nolint:errcheck // it never fails
	return data
}

func (s *server) have(t *testing.T, key string, data []byte) Object {
	t.Helper()
	if err := s.Put("origin", key, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	o, err := Head(t.Context(), s.bucket(t, "origin"), key)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// files lists what is below the root, links and all.
func files(t *testing.T, root *os.Root) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root.Name()), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func write(t *testing.T, root *os.Root, name string, data []byte) {
	t.Helper()
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind Kind) {
	t.Helper()
	_ = theFault(t, err, kind)
}

func theFault(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
	return e
}

// held is a content in memory.
type held struct {
	*bytes.Reader
	of sum
}

// Close does nothing.
func (held) Close() error { return nil }

func (h held) sum() sum { return h.of }

// chaos is how many random cases `make chaos` wants on top; none elsewhere.
func chaos(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("ROLECALL_CHAOS"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
