package dispenser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	publicURL    = "https://credentials.example.com/rolecall"
	bearerSecret = "planted-bearer-secret-of-acme"
	externalID   = "x-42"
	emptyHash    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var env = map[string]string{
	"VENDING_KEY": "ASIAVENDING000000001", "VENDING_SECRET": "planted-vending-secret", "VENDING_TOKEN": "planted-vending-token",
}

func getenv(name string) string { return env[name] }

var (
	asDispenser  = aws.Credentials{AccessKeyID: "ASIADISPENSER0000001", SecretAccessKey: "planted-dispenser-secret", SessionToken: "planted-dispenser-token"}
	asUser       = aws.Credentials{AccessKeyID: "AKIACALLER0000000001", SecretAccessKey: "planted-caller-secret"}
	asProduction = aws.Credentials{AccessKeyID: "ASIAPRODUCTION000001", SecretAccessKey: "planted-production-secret", SessionToken: "planted-production-token"}
)

// bench is a dispenser on a sandbox.
type bench struct {
	*Dispenser
	sandbox *sandbox.Server
	sts     string // its URL
	log     *record
}

// record is a log that can be read while it is written.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

func newBench(t *testing.T, change func(*sandbox.Config), edit ...string) *bench {
	t.Helper()
	cfg, err := sandbox.LoadConfig("testdata/sandbox.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	server := sandboxtest.StartConfig(t, cfg, sandbox.Options{})
	b := &bench{sandbox: server, sts: server.URL, log: &record{}}
	b.Dispenser, err = New(load(t, append(edit, "http://127.0.0.1:4580", b.sts)...), Options{Log: slog.New(slog.NewTextHandler(b.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	t.Cleanup(func() {
		for _, secret := range []string{"planted", externalID, "X-Amz-Signature"} {
			if strings.Contains(b.log.String(), secret) {
				t.Errorf("the log shows %q: %s", secret, b.log)
			}
		}
	})
	return b
}

// load loads testdata/dispenser.yaml with texts replaced.
func load(t *testing.T, replace ...string) *Config {
	t.Helper()
	text, err := os.ReadFile("testdata/dispenser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := parse([]byte(strings.NewReplacer(replace...).Replace(string(text))), "testdata", getenv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// query returns a valid request, with changes: pairs of name and value, of
// which an empty value removes the name.
func query(changes ...string) url.Values {
	q := url.Values{
		"organization": {"acme"}, "external_id": {externalID}, "job_id": {"job1"}, "task_id": {"0"}, "tool": {"storage:get"},
		"bucket": {"acme-masters"}, "prefix": {"in/"}, "access": {"read"},
	}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" && changes[i] != "prefix" {
			q.Del(changes[i])
		}
	}
	return q
}

// proof returns what the worker's side sends in the identity header.
func (b *bench) proof(t *testing.T, keys aws.Credentials, q url.Values) string {
	t.Helper()
	return presign(t, b.sts+"/", keys, credential.RequestDigest(publicURL+"?"+q.Encode()), time.Now())
}

func presign(t *testing.T, endpoint string, keys aws.Credentials, digest string, at time.Time) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(credential.DigestHeader, digest)
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), keys, req, emptyHash, "sts", "eu-central-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(signed))
}

// ask sends a request to the handler as a proxy would.
func (b *bench) ask(t *testing.T, q url.Values, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/rolecall?"+q.Encode(), nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) askAs(t *testing.T, keys aws.Credentials, q url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return b.ask(t, q, credential.IdentityHeader, b.proof(t, keys, q))
}

func (b *bench) askBearer(t *testing.T, q url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return b.ask(t, q, "Authorization", "Bearer "+bearerSecret)
}

// vended returns the session in an answer, or fails the test.
func vended(t *testing.T, w *httptest.ResponseRecorder) aws.CredentialsProvider {
	t.Helper()
	var s session
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK || s.Token == "" {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.Token}, nil
	})
}
