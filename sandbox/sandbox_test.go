package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// world is a running sandbox.
type world struct {
	*Server
}

func start(t testing.TB, cfg *Config, opts Options) *world {
	t.Helper()
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	opts.Dir = t.TempDir()
	s, err := Start(t.Context(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{s}
}

type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) { l.Log(string(p)); return len(p), nil }

// loaded is the world of testdata/sandbox.yaml.
func loaded(t testing.TB, change func(*Config), opts Options) *world {
	t.Helper()
	cfg, err := LoadConfig("testdata/sandbox.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	return start(t, cfg, opts)
}

// keys are credentials of testdata/sandbox.yaml.
type keys struct{ id, secret, token string }

func keysOf(name string) keys {
	return keys{id: (("AKIA" + strings.ToUpper(name) + "0000000000000000")[:19] + "1"), secret: name + "-secret"}
}

var (
	worker     = keysOf("worker")
	production = keys{"ASIAPRODUCTION000001", "production-secret", "production-token"}
)

func of(c *types.Credentials) keys {
	return keys{*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken}
}

func (w *world) config(k keys, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &w.URL,
		Credentials: credentials.NewStaticCredentialsProvider(k.id, k.secret, k.token),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

func (w *world) sts(k keys) *sts.Client { return sts.NewFromConfig(w.config(k, "eu-central-1")) }

func (w *world) s3(k keys, region string) *s3.Client {
	return s3.NewFromConfig(w.config(k, region), func(o *s3.Options) {
		o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = true, true
	})
}

// assume returns the session's credentials, or fails the test.
func (w *world) assume(t testing.TB, k keys, in sts.AssumeRoleInput) keys {
	t.Helper()
	if in.RoleArn == nil {
		in.RoleArn, in.ExternalId = aws.String("arn:aws:iam::111122223333:role/media"), aws.String("x-42")
	}
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("acme.1")
	}
	out, err := w.sts(k).AssumeRole(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return of(out.Credentials)
}

// codeOf is AWS's code of an error, "" for none.
func codeOf(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return err.Error()
	}
}

// wants checks an error's code and that its message holds a text.
func wants(t testing.TB, err error, code, text string) {
	t.Helper()
	if codeOf(err) != code || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q with %q", err, code, text)
	}
}

// fakeClock starts now, as the SDK signs with the real time.
type fakeClock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *fakeClock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

func get(ctx context.Context, c *s3.Client, bucket, key string) error {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	return out.Body.Close()
}

func put(ctx context.Context, c *s3.Client, bucket, key, body string) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	return err
}
