package transfer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("ROLECALL_TEST_DISK_FULL") != "" {
		os.Exit(getOntoFullDisk())
	}
	// Toxics, and what feeds them, do not end when their connection is gone.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}

const (
	owner    = "111122223333"
	accounts = `
accounts:
  "` + owner + `":
    users: {ci: {access_key_id: AKIAEXAMPLE, secret_access_key: secret, policies: &everything [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}]}}
    roles: {media: {access_key_id: ASIAEXAMPLE, secret_access_key: secret, session_token: token, session_name: acme.job, policies: *everything}}
    buckets: {origin: {region: us-east-1}, target: {region: us-east-1}, versions: {region: us-east-1, versioning: true}}
    keys: {media: {region: us-east-1}}
`
)

// server is the sandbox with a tamper in front of it, which may do everything.
type server struct {
	*sandbox.Server
	url string

	mu     sync.Mutex
	asked  []string // operations, in order
	tamper tamper
}

// tamper handles requests between a client and S3, which is next.
type tamper func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc)

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{Server: sandboxtest.Start(t, accounts)}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := sandbox.S3Operation(r)
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

// serve signs the request again, for the role: the tests here are not about
// signatures, and they make up sessions or change requests.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Authorization")
	r.URL.Scheme, r.URL.Host = "http", r.Host
	role := aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(r.Context(), role, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now())
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, "InternalError")
		return
	}
	s.Server.ServeHTTP(w, r)
}

func (s *server) setTamper(f tamper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tamper = f
}

// refuse answers with an error like S3's.
func refuse(w http.ResponseWriter, _ *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants it</Message></Error>", code)
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
	limits := NewLimits(DefaultMemory)
	t.Cleanup(func() { nothingTaken(t, limits) })
	return Bucket{Name: name, Owner: owner, Client: NewClient(ClientOptions{
		Credentials: provider, Endpoint: s.url, PathStyle: true, UserAgent: "test", HTTP: &http.Client{Transport: transport}, Limits: limits,
	})}
}

// testBytes returns n bytes that are different for each n.
func testBytes(n int) []byte {
	var seed [32]byte
	copy(seed[:], []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	data := make([]byte, n)
	rand.NewChaCha8(seed).Read(data) //nolint:errcheck // it never fails
	return data
}

func (s *server) store(t *testing.T, key string, data []byte) Object {
	t.Helper()
	if err := s.PutObject("origin", key, bytes.NewReader(data)); err != nil {
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

// files lists everything below the root, with links.
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
	_ = wantError(t, err, kind)
}

func wantError(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
	return e
}

// memoryContent is a content in memory.
type memoryContent struct {
	*bytes.Reader
	of sum
}

func (memoryContent) Close() error { return nil }

func (h memoryContent) sum() sum { return h.of }

// chaos returns how many more random cases `make chaos` runs; otherwise 0.
func chaos(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("ROLECALL_CHAOS"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
