package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// accounts is a vendor and two customers: acme's masters are read, globex's
// delivery is written, under a KMS key. Each has a user ci that may do all.
const accounts = `
accounts:
  "999900009999":
    roles:
      production:
        access_key_id: ASIAPRODUCTION000001
        secret_access_key: production-secret
        session_token: production-token
        trust: {Version: "2012-10-17", Statement: []}
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
  "111122223333":
    users: {ci: {access_key_id: AKIAACME000000000001, secret_access_key: acme-secret, policies: [{{.all}}]}}
    roles:
      media: {trust: {{.trust}}, policies: [{{.masters}}]}
      unlisted: {trust: {{.trust}}, policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:GetObject", Resource: "*"}}]}
      nothing: {trust: {{.trust}}, policies: []}
      curator: {trust: {{.trust}}, policies: [{{.curator}}]}
    buckets:
      acme-masters: {region: eu-central-1}
      acme-archive: {region: eu-west-1, policy: {{.archive}}}
      acme-glacier: {region: eu-west-1}
  "222233334444":
    users: {ci: {access_key_id: AKIAGLOBEX0000000001, secret_access_key: globex-secret, policies: [{{.all}}]}}
    roles:
      delivery: {trust: {{.trust}}, policies: [{{.deliver}}]}
      timid: {trust: {{.trust}}, policies: [{{.timid}}]}
      keyless: {trust: {{.trust}}, policies: [{{.keyless}}]}
    buckets:
      globex-delivery: {region: us-east-1, encryption: {type: "aws:kms", key: media}}
    keys: {media: {region: us-east-1}}
`

var documents = map[string]string{
	"all": `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}`,
	"trust": `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Principal: {AWS: "arn:aws:iam::999900009999:role/production"},
	  Condition: {StringEquals: {"sts:ExternalId": acme-42}}}}`,
	"masters": `{Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"], Resource: "arn:aws:s3:::acme-masters/*"},
	  {Effect: Allow, Action: "s3:GetObject", Resource: ["arn:aws:s3:::acme-archive/*", "arn:aws:s3:::acme-glacier/*"]}, {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme-*"}]}`,
	"curator": `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: ["arn:aws:s3:::acme-masters", "arn:aws:s3:::acme-masters/*"]}}`,
	"archive": `{Version: "2012-10-17", Statement: {Effect: Deny, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-archive/closed/*"}}`,
	"deliver": `{Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
	  Resource: "arn:aws:s3:::globex-delivery/*"}, {Effect: Allow, Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: "*"}]}`,
	"timid": `{Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::globex-delivery/*"},
	  {Effect: Allow, Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: "*"}]}`,
	"keyless": `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::globex-delivery/*"}}`,
}

// world is a sandbox with the accounts, and the vendor's side of it.
type world struct {
	late    atomic.Int64 // seconds by which the sandbox's clock, which stands still, was moved on
	assumed atomic.Int64 // sessions that were begun for work
	config  *sandbox.Config
	server  *sandbox.Server
	options credential.Options // of the vault
	vault   *credential.Vault
	org     rolecall.Organization
	vendor  rolecall.Vendor
}

// newWorld starts a sandbox. The faults are YAML, items of the config's list.
func newWorld(t *testing.T, faults string) *world {
	t.Helper()
	var text bytes.Buffer
	if err := template.Must(template.New("").Parse(accounts)).Execute(&text, documents); err != nil {
		t.Fatal(err)
	}
	if faults != "" {
		text.WriteString("faults:\n" + faults)
	}
	cfg, err := sandbox.ParseConfig(text.Bytes(), ".")
	if err != nil {
		t.Fatal(err)
	}
	w, began := &world{config: cfg}, time.Now()
	w.server = sandboxtest.StartConfig(t, cfg, sandbox.Options{Clock: func() time.Time {
		return began.Add(time.Duration(w.late.Load()) * time.Second) // no session ends because this machine is slow
	}})
	arn, err := rolecall.ParseARN("arn:aws:iam::999900009999:role/production")
	if err != nil {
		t.Fatal(err)
	}
	production := rolecall.Principal{Name: "production", ARN: arn, Regions: []string{"eu-central-1"}, Default: true}
	w.vendor = rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": production}}
	w.options = credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal:   production,
			Credentials: credentials.NewStaticCredentialsProvider("ASIAPRODUCTION000001", "production-secret", "production-token"),
		}},
		Verdicts: credential.Memory(), STSEndpoint: w.server.URL,
		Secrets: globexKeys,
		OnEvent: func(e credential.Event) {
			if e.Kind == credential.EventAssume {
				w.assumed.Add(1)
			}
		},
	}
	if w.vault, err = credential.New(w.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.vault.Close)
	w.org = rolecall.Organization{
		APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "acme-42"},
		Secrets: map[string]rolecall.Secret{"keys": {Name: "keys", Type: rolecall.SecretAWSAccessKey, Version: "1"}},
		Connections: map[string]rolecall.Connection{
			"masters":  {Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", RoleARN: "arn:aws:iam::111122223333:role/media"},
			"delivery": {Name: "delivery", Purpose: rolecall.Delivery, Bucket: "globex-delivery", Prefix: "out/", RoleARN: "arn:aws:iam::222233334444:role/delivery"},
			"keyless":  {Name: "keyless", Purpose: rolecall.Delivery, Bucket: "globex-delivery", Prefix: "out/", RoleARN: "arn:aws:iam::222233334444:role/keyless"},
		},
	}
	return w
}

func globexKeys(context.Context, string, string) (credential.Keys, error) {
	return credential.Keys{AccessKeyID: "AKIAGLOBEX0000000001", SecretAccessKey: "globex-secret"}, nil
}

// plan reads and validates a job, given as its tasks.
func (w *world) plan(t *testing.T, tasks string) rolecall.Plan {
	t.Helper()
	parsed, err := rolecall.ParseJob([]byte(`{"tasks": [` + tasks + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := parsed.Validate(w.org, w.vendor, "")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// access reaches the sandbox with the world's vault.
func (w *world) access(t *testing.T) *access.Access {
	t.Helper()
	clients := guard.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	t.Cleanup(clients.Close)
	return &access.Access{Vault: w.vault, Clients: clients, S3Endpoint: w.server.URL}
}

// run runs a job in the directory.
func (w *world) run(ctx context.Context, t *testing.T, dir, tasks string, observe func(job.Event)) rolecall.JobReport {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return job.Run(ctx, job.Job{ID: job.NewID(), Plan: w.plan(t, tasks), Dir: root}, w.access(t), observe)
}

// owner is a client of a bucket's own account.
func (w *world) owner(bucket string) *s3.Client {
	id, secret, region := "AKIAACME000000000001", "acme-secret", "eu-central-1"
	switch bucket {
	case "globex-delivery":
		id, secret, region = "AKIAGLOBEX0000000001", "globex-secret", "us-east-1"
	case "acme-archive", "acme-glacier":
		region = "eu-west-1"
	}
	return s3.New(s3.Options{
		BaseEndpoint: &w.server.URL, UsePathStyle: true, Region: region,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
}

// put stores objects, given as key and bytes.
func (w *world) put(t *testing.T, bucket string, objects map[string][]byte) {
	t.Helper()
	client := w.owner(bucket)
	for key, data := range objects {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)}); err != nil {
			t.Fatalf("put %q: %v", key, err)
		}
	}
}

// objects gives a bucket's objects.
func (w *world) objects(t *testing.T, bucket string) map[string][]byte {
	t.Helper()
	client := w.owner(bucket)
	out := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(got.Body)
			if err := errors.Join(err, got.Body.Close()); err != nil {
				t.Fatal(err)
			}
			out[*o.Key] = data
		}
	}
	return out
}

// uploads gives the multipart uploads that are open in a bucket.
func (w *world) uploads(t *testing.T, bucket string) []types.MultipartUpload {
	t.Helper()
	out, err := w.owner(bucket).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return out.Uploads
}

// tree gives all names below a directory with their bytes.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var walk func(name string)
	walk = func(name string) {
		f, err := root.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		entries, err := f.ReadDir(-1)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			path := strings.TrimPrefix(name+"/"+e.Name(), "./")
			if e.IsDir() {
				walk(path)
				continue
			}
			if out[path], err = root.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	walk(".")
	return out
}

// media makes bytes that nothing compresses.
func media(seed byte, n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out) // never fails
	return out
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// show prints a report where a test fails.
func show(r rolecall.JobReport) string {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// events collects a job's events.
type events struct {
	mu  sync.Mutex
	all []job.Event
}

func (e *events) add(event job.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

func tool(name, parameters string, more ...string) string {
	return fmt.Sprintf(`{"tool": %q, "parameters": %s%s}`, name, parameters, strings.Join(more, ""))
}
