package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	owner    = "111122223333"
	stranger = "444455556666"
	keyARNs  = "arn:aws:kms:eu-central-1:111122223333:key/media"
)

type callerKey struct{}

// authority allows everything but what the test denies, and remembers what it
// was asked.
type authority struct {
	mu    sync.Mutex
	deny  map[string]bool // actions
	asked []Access
	uses  []KeyUse
}

func (a *authority) Authorize(_ context.Context, access Access) *Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, access)
	if a.deny[access.Action] {
		return errAccessDenied()
	}
	return nil
}

func (a *authority) UseKey(_ context.Context, use KeyUse) *Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.uses = append(a.uses, use)
	if a.deny[use.Action] {
		return errAccessDenied()
	}
	return nil
}

func (a *authority) Caller(ctx context.Context) string {
	account, _ := ctx.Value(callerKey{}).(string)
	return account
}

func (a *authority) CallerARN(ctx context.Context) string {
	return "arn:aws:sts::" + a.Caller(ctx) + ":assumed-role/media/job"
}

// denying replaces what is denied and forgets what was asked.
func (a *authority) denying(actions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deny, a.asked, a.uses = map[string]bool{}, nil, nil
	for _, action := range actions {
		a.deny[action] = true
	}
}

func (a *authority) actions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, access := range a.asked {
		out = append(out, access.Action)
	}
	for _, use := range a.uses {
		out = append(out, use.Action)
	}
	return out
}

// world is a Service over HTTP with a bucket of each kind.
type world struct {
	*testing.T
	*authority
	service *Service
	client  *awss3.Client // the owner's
	other   *awss3.Client // the stranger's
	url     string
	now     *clock
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) get() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a := &authority{}
	now := &clock{t: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	bucket := Bucket{Account: owner, Region: "eu-central-1"}
	var buckets []Bucket
	for name, change := range map[string]func(*Bucket){
		"plain":     func(*Bucket) {},
		"second":    func(*Bucket) {},
		"versioned": func(b *Bucket) { b.Versioning = versioningEnabled },
		"locked":    func(b *Bucket) { b.ObjectLock, b.Retention = true, Retention{Mode: governance, Days: 1} },
		"lockable":  func(b *Bucket) { b.ObjectLock = true },
		"kms":       func(b *Bucket) { b.Encryption = Encryption{Type: "aws:kms", Key: keyARNs} },
		"bucketkey": func(b *Bucket) { b.Encryption = Encryption{Type: "aws:kms", Key: keyARNs, BucketKey: true} },
		"payer":     func(b *Bucket) { b.RequesterPays = true },
		"writer":    func(b *Bucket) { b.Ownership = "ObjectWriter" },
		"foreign":   func(b *Bucket) { b.Account = stranger },
		"first":     func(b *Bucket) { b.Region = "us-east-1" },
	} {
		b := bucket
		b.Name = name
		change(&b)
		buckets = append(buckets, b)
	}
	service, err := New(Config{Buckets: buckets, Authority: a, Clock: now.get, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, authority: a, service: service, now: now}
	w.client, w.url = w.serve(owner)
	w.other, _ = w.serve(stranger)
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// serve starts a server where every caller is of the account.
func (w *world) serve(account string) (*awss3.Client, string) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.service.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), callerKey{}, account)))
	}))
	w.Cleanup(server.Close)
	return awss3.New(awss3.Options{
		BaseEndpoint: aws.String(server.URL), Region: "eu-central-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		HTTPClient:  server.Client(), Retryer: aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}), server.URL
}

func (w *world) put(bucket, key, text string, change ...func(*awss3.PutObjectInput)) *awss3.PutObjectOutput {
	w.Helper()
	in := &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)}
	for _, f := range change {
		f(in)
	}
	out, err := w.client.PutObject(context.Background(), in)
	if err != nil {
		w.Fatalf("put %s: %v", key, err)
	}
	return out
}

func (w *world) get(bucket, key string) string {
	w.Helper()
	out, err := w.client.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		w.Fatalf("get %q: %v", key, err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

// do sends a plain request as the owner.
func (w *world) do(method, target, body string, header ...string) (*http.Response, string) {
	w.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, w.url+target, bytes.NewReader([]byte(body)))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer, string(data)
}

// codeOf returns S3's code of an error, empty for nil.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("no answer of the API: %v", err)
	}
	return api.ErrorCode()
}

func (w *world) wantCode(err error, code string) {
	w.Helper()
	if got := codeOf(w.T, err); got != code {
		w.Errorf("code %q, want %q (%v)", got, code, err)
	}
}

// wantNoFiles holds that nothing is left on disk.
func (w *world) wantNoFiles() {
	w.Helper()
	files, err := os.ReadDir(w.service.store.dir)
	if err != nil || len(files) != 0 {
		w.Errorf("left on disk: %v, %v", files, err)
	}
}
