package check_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const (
	vendorAccount = "999900009999"
	roleAccount   = "111122223333"
	otherAccount  = "222233334444"
)

// setting is a connection with all that it needs, as its kit says.
type setting struct {
	connection rolecall.Connection
	config     sandbox.Config
	role       *sandbox.Role
	bucket     *sandbox.Bucket
	key        *sandbox.Key
	objects    map[string]string
	policies   []correct.Given
	others     map[string]rolecall.Connection // of the organization's
	deep       bool
	secure     bool   // S3 is reached by TLS
	externalID string // the organization's
	observe    func(check.Event)
	prepare    func(client *s3.Client, clock *atomic.Int64) // of an administrator
}

// newSetting makes a delivery under a KMS key, the bucket and the key in the
// account, whose objects are versioned.
func newSetting(t *testing.T, owner, organization string) *setting {
	t.Helper()
	s := &setting{externalID: "acme-42", objects: map[string]string{"out/a": "bytes"}, connection: rolecall.Connection{
		Name: "delivery", Purpose: rolecall.Delivery, Bucket: "acme-delivery", Prefix: "out/", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: owner,
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:" + owner + ":key/media"},
	}}
	kit, err := policy.Generate(policy.KitRequest{
		Connection: s.connection, Principals: []string{"arn:aws:iam::999900009999:role/production"}, ExternalIDs: []string{"acme-42"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.role = &sandbox.Role{Trust: kit.Trust, Policies: []*policy.Document{kit.Permissions}}
	s.key = &sandbox.Key{Region: "eu-central-1", Policy: kit.Key}
	s.bucket = &sandbox.Bucket{
		Region: "eu-central-1", Policy: kit.Bucket, Versioning: true, Encryption: sandbox.Encryption{Type: "aws:kms", Key: s.connection.Encryption.Key},
	}
	s.config.Accounts = map[string]*sandbox.Account{vendorAccount: {}, roleAccount: {}, otherAccount: {}}
	for id, a := range s.config.Accounts {
		*a = sandbox.Account{Roles: map[string]*sandbox.Role{}, Buckets: map[string]*sandbox.Bucket{}, Keys: map[string]*sandbox.Key{}}
		if id != vendorAccount {
			a.Organization = organization
		}
	}
	s.config.Accounts[vendorAccount].Roles["production"] = &sandbox.Role{
		AccessKeyID: "ASIAPRODUCTION000001", SecretAccessKey: "production-secret", SessionToken: "production-token", Policies: []*policy.Document{kit.Worker},
	}
	s.config.Accounts[roleAccount].Users = map[string]*sandbox.User{"admin": {
		AccessKeyID: "AKIAADMIN", SecretAccessKey: "admin-secret", Policies: []*policy.Document{doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)},
	}}
	s.config.Accounts[roleAccount].Roles["media"] = s.role
	s.config.Accounts[owner].Buckets["acme-delivery"] = s.bucket
	s.config.Accounts[owner].Keys["media"] = s.key
	return s
}

func (s *setting) check(t *testing.T) (rolecall.CheckReport, *sandbox.Server) {
	t.Helper()
	return s.checkIn(t.Context(), t)
}

func (s *setting) checkIn(ctx context.Context, t *testing.T) (rolecall.CheckReport, *sandbox.Server) {
	t.Helper()
	var clock atomic.Int64 // that the sandbox's is ahead
	server := sandboxtest.StartConfig(t, &s.config, sandbox.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }})
	for key, content := range s.objects {
		if err := server.PutObject("acme-delivery", key, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	if s.prepare != nil {
		s.prepare(s3.New(s3.Options{
			BaseEndpoint: &server.URL, UsePathStyle: true, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIAADMIN", "admin-secret", ""),
		}), &clock)
	}
	arn, _ := rolecall.ParseARN("arn:aws:iam::999900009999:role/production")
	principal := rolecall.Principal{Name: "production", ARN: arn, Default: true}
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal:   principal,
			Credentials: credentials.NewStaticCredentialsProvider("ASIAPRODUCTION000001", "production-secret", "production-token"),
		}},
		Verdicts: credential.Memory(), STSEndpoint: server.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	clients := guard.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	t.Cleanup(clients.Close)
	endpoint := server.URL
	if s.secure {
		front := httptest.NewTLSServer(server)
		t.Cleanup(front.Close)
		endpoint, clients.Operator = front.URL, front.Client()
	}
	report := check.Run(ctx, check.Request{
		ID: "check-1", Organization: rolecall.Organization{APIName: "acme", Connections: s.others, ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: s.externalID}},
		Connection: s.connection, Vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": principal}}, Principal: principal, Deep: s.deep, Policies: s.policies,
	}, &access.Access{Vault: vault, Clients: clients, STSEndpoint: server.URL, S3Endpoint: endpoint}, s.observe)
	return report, server
}

func doc(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func step(r rolecall.CheckReport, name string) rolecall.CheckStep {
	i := slices.IndexFunc(r.Steps, func(s rolecall.CheckStep) bool { return s.Step == name })
	return r.Steps[i]
}

func dump(t *testing.T, r rolecall.CheckReport) {
	t.Helper()
	for _, s := range r.Steps {
		t.Logf("%-18s %-4s %s %v %s | %s", s.Step, s.Result, s.Layer, s.Candidates, s.Message, s.Hint)
	}
}

func TestWorkingSettings(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{roleAccount, otherAccount} {
		for _, organization := range []string{"", "o-acme"} {
			s := newSetting(t, owner, organization)
			report, server := s.check(t)
			if report.Result != rolecall.CheckPass {
				dump(t, report)
				t.Errorf("bucket of %s in %q: %s", owner, organization, report.Result)
			}
			if left := server.Uploads("acme-delivery"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	}
}

// Two things may be wrong at once about a bucket of another account.
func TestOwnerFound(t *testing.T) {
	t.Parallel()
	s := newSetting(t, otherAccount, "")
	s.bucket.RequesterPays, s.connection.BucketOwner = true, "333344445555"
	report, server := s.check(t)
	f := step(report, rolecall.StepOwner)
	if f.Layer != rolecall.LayerName || f.Patch == nil {
		dump(t, report)
		t.Fatalf("%s %v", f.Layer, f.Patch)
	}
	var mended rolecall.Connection
	var faults rolecall.Errors
	if strict.Decode(f.Patch.Connection, &mended, &faults); len(faults) > 0 || mended.BucketOwner != otherAccount || !mended.RequesterPays {
		t.Errorf("patch %s, %v", f.Patch.Connection, faults)
	}
	for _, e := range server.Trail() {
		if slices.Contains([]string{"GetObject", "CreateMultipartUpload"}, e.Operation) {
			t.Errorf("%s is asked of a bucket that is another's", e.Operation)
		}
	}
}

// The owner of a bucket may be the vendor: what leads there is refused, and
// whose it is stays untold.
func TestOwnerIsVendor(t *testing.T) {
	t.Parallel()
	s := newSetting(t, vendorAccount, "")
	for _, declared := range []string{otherAccount, vendorAccount} {
		s.connection.BucketOwner, s.connection.Encryption = declared, nil
		report, _ := s.check(t)
		if f := step(report, rolecall.StepOwner); f.Result != rolecall.CheckFail || f.Patch != nil || strings.Contains(f.Message+f.Hint, vendorAccount) {
			dump(t, report)
			t.Errorf("%s is told: %s (%s)", declared, f.Message, f.Hint)
		}
	}
}

func TestDeep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		versions, deletes bool
		cleanup           rolecall.CheckResult
		left              int
	}{
		{false, true, rolecall.CheckPass, 0}, {false, false, rolecall.CheckWarn, 1}, {true, true, rolecall.CheckWarn, 0}, {true, false, rolecall.CheckWarn, 1},
	} {
		s := newSetting(t, roleAccount, "")
		s.deep, s.bucket.Versioning, s.objects = true, c.versions, nil
		if c.deletes {
			s.role.Policies = append(s.role.Policies, doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"*"}}`))
		}
		report, server := s.check(t)
		if f := step(report, rolecall.StepCleanup); f.Result != c.cleanup || report.Result != rolecall.CheckWarn { // as reading is not tried
			dump(t, report)
			t.Errorf("%+v: %s", c, f.Result)
		}
		if left := server.Objects("acme-delivery"); len(left) != c.left {
			t.Errorf("%+v: left %v", c, left)
		}
		if left := server.Uploads("acme-delivery"); len(left) > 0 {
			t.Errorf("%+v: uploads left: %v", c, left)
		}
	}
}

// What has begun is ended, although the check was cancelled in the middle.
func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newSetting(t, roleAccount, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.observe = func(e check.Event) {
		if e.Kind == check.Started && e.Step == rolecall.StepMultipart { // the upload has begun
			cancel()
		}
	}
	report, server := s.checkIn(ctx, t)
	if report.Result != rolecall.CheckFail || step(report, rolecall.StepCleanup).Result != rolecall.CheckPass {
		dump(t, report)
	}
	if left := server.Uploads("acme-delivery"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Uploads that an earlier check left are swept where the role may list them;
// those of others, and those just begun, are not.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := newSetting(t, roleAccount, "")
	s.role.Policies = append(s.role.Policies, doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListBucketMultipartUploads","Resource":"*"}}`))
	s.key.Policy = nil // AWS's: the account decides
	s.prepare = func(client *s3.Client, clock *atomic.Int64) {
		begin := func(key string) {
			if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("acme-delivery"), Key: &key}); err != nil {
				t.Error(err)
			}
		}
		clock.Store(-int64(10 * time.Minute))
		begin("out/.rolecall-check")
		begin("out/.rolecall-check-too")
		clock.Store(0)
		begin("out/.rolecall-check")
	}
	report, server := s.check(t)
	if report.Result != rolecall.CheckPass {
		dump(t, report)
	}
	if left := server.Uploads("acme-delivery"); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

// An object without a byte, as the console makes for a folder, tells less than
// others, and is read all the same.
func TestReadEmpty(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		objects map[string]string
		reads   string
	}{
		{map[string]string{"out/": ""}, `"out/"`},
		{map[string]string{"out/": "", "out/.keep": "", "out/b": "bytes"}, `"out/b"`},
	} {
		s := newSetting(t, roleAccount, "")
		s.objects = c.objects
		if report, _ := s.check(t); report.Result != rolecall.CheckPass {
			dump(t, report)
			t.Errorf("%v: %s", c.objects, report.Result)
		}
		s.role.Policies = append(s.role.Policies, doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}}`))
		report, _ := s.check(t)
		if f := step(report, rolecall.StepRead); f.Result != rolecall.CheckFail || f.Layer != rolecall.LayerRole || !strings.Contains(f.Message, c.reads) {
			dump(t, report)
			t.Errorf("%v: %+v", c.objects, f)
		}
	}
}
