package job_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// kitCase is a way in which two connections, one to fetch from and one to
// deliver to, may be set up.
type kitCase struct {
	partition, region string
	prefix            string
	encryption        string // none, AES256, or whose account the key is in: role, bucket, other
	cross, optional   bool   // the buckets are in another account than the roles
	bucketKey         bool
	form              policy.TrustForm
	worker            policy.WorkerForm
	skew              time.Duration // how far the sandbox's clock is ahead
}

const (
	kitVendor   = "999900009999"
	kitRoles    = "111122223333"
	kitBuckets  = "222233334444"
	kitElse     = "333344445555"
	kitExternal = "acme-42"
)

func (c kitCase) arn(service, region, account, resource string) string {
	return rolecall.ARN{Partition: c.partition, Service: service, Region: region, Account: account, Resource: resource}.String()
}

func (c kitCase) owner() string {
	if c.cross {
		return kitBuckets
	}
	return kitRoles
}

func (c kitCase) keyOwner() string {
	return map[string]string{"role": kitRoles, "bucket": c.owner(), "other": kitElse}[c.encryption]
}

func (c kitCase) connection(purpose rolecall.Purpose, bucket, role string) rolecall.Connection {
	out := rolecall.Connection{
		Purpose: purpose, Bucket: bucket, Prefix: c.prefix, Region: c.region,
		RoleARN: c.arn("iam", "", kitRoles, "role/"+role), BucketOwner: c.owner(),
	}
	switch {
	case c.encryption == "AES256":
		out.Encryption = &rolecall.Encryption{Type: "AES256"}
	case c.keyOwner() != "":
		out.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: c.arn("kms", c.region, c.keyOwner(), "key/"+bucket)}
	}
	return out
}

// newKitWorld is a sandbox in which nobody has any policy but the kits'.
func newKitWorld(t *testing.T, c kitCase) (*world, map[string]policy.Kit) {
	t.Helper()
	production := rolecall.Principal{Name: "production", Default: true}
	var err error
	if production.ARN, err = rolecall.ParseARN(c.arn("iam", "", kitVendor, "role/production")); err != nil {
		t.Fatal(err)
	}
	w := &world{vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": production}}}
	w.org = rolecall.Organization{
		APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: kitExternal},
		Connections: map[string]rolecall.Connection{
			"masters":  c.connection(rolecall.Source, "acme-masters", "masters"),
			"delivery": c.connection(rolecall.Delivery, "acme-delivery", "delivery"),
		},
	}
	secure := true
	cfg := sandbox.Config{SecureTransport: &secure, ClockSkew: sandbox.Skew(c.skew), Accounts: map[string]*sandbox.Account{}}
	for _, id := range []string{kitVendor, kitRoles, kitBuckets, kitElse} {
		cfg.Accounts[id] = &sandbox.Account{
			Partition: c.partition, Roles: map[string]*sandbox.Role{}, Buckets: map[string]*sandbox.Bucket{}, Keys: map[string]*sandbox.Key{},
		}
	}
	worker := &sandbox.Role{AccessKeyID: "ASIAPRODUCTION000001", SecretAccessKey: "production-secret", SessionToken: "production-token"}
	cfg.Accounts[kitVendor].Roles["production"] = worker
	kits := map[string]policy.Kit{}
	for name, connection := range w.org.Connections {
		request := policy.KitRequest{
			Connection: connection, Principals: []string{production.ARN.String()}, ExternalIDs: []string{kitExternal}, Form: c.form, Worker: c.worker,
			RequireTLS: true, RequireEncryption: name == "delivery" && connection.Encryption != nil, RevokeBefore: time.Now().Add(time.Hour),
		}
		if c.worker == policy.ListedRoles {
			for _, other := range w.org.Connections {
				request.WorkerRoles = append(request.WorkerRoles, other.RoleARN)
			}
		}
		if c.optional {
			request.Optional = policy.Grants(connection.Purpose)
		}
		kit, err := policy.Generate(request)
		if err != nil {
			t.Fatal(err)
		}
		kits[name] = kit
		worker.Policies = []*policy.Document{kit.Worker}
		cfg.Accounts[kitRoles].Roles[name] = &sandbox.Role{Trust: kit.Trust, Policies: []*policy.Document{kit.Permissions}}
		bucket := &sandbox.Bucket{Region: c.region, Policy: kit.Bucket}
		if kit.Key != nil {
			cfg.Accounts[c.keyOwner()].Keys[connection.Bucket] = &sandbox.Key{Region: c.region, Policy: kit.Key}
			bucket.Encryption = sandbox.Encryption{Type: "aws:kms", Key: connection.Encryption.Key, BucketKey: c.bucketKey}
		}
		cfg.Accounts[c.owner()].Buckets[connection.Bucket] = bucket
	}
	w.start(t, &cfg, production)
	return w, kits
}

// start starts the sandbox and a vault of the principal's.
func (w *world) start(t *testing.T, cfg *sandbox.Config, principal rolecall.Principal) {
	t.Helper()
	w.server = sandboxtest.StartConfig(t, cfg, sandbox.Options{})
	var err error
	w.vault, err = credential.New(credential.Options{
		Principals: map[string]credential.Principal{principal.Name: {
			Principal:   principal,
			Credentials: credentials.NewStaticCredentialsProvider("ASIAPRODUCTION000001", "production-secret", "production-token"),
		}},
		Verdicts: credential.Memory(), STSEndpoint: w.server.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.vault.Close)
}

func kitCases() []kitCase {
	places := [][2]string{{"aws", "eu-central-1"}, {"aws-cn", "cn-north-1"}, {"aws-us-gov", "us-gov-west-1"}, {"aws-eusc", "eusc-de-east-1"}}
	var out []kitCase
	for i, encryption := range []string{"none", "AES256", "role", "bucket", "other"} {
		for j, cross := range []bool{false, true} {
			n := 2*i + j
			out = append(out, kitCase{
				partition: places[n%4][0], region: places[n%4][1], encryption: encryption, prefix: []string{"", "in/", "a*${b}?/"}[n%3],
				cross: cross, optional: n%3 == 1, bucketKey: (i+j)%2 == 0,
				form:   []policy.TrustForm{policy.ByPrincipal, policy.ByAccount}[i%2],
				worker: []policy.WorkerForm{policy.AnyRole, policy.ListedRoles}[(i/2+j)%2],
			})
		}
	}
	return out
}

// TestJobRunsWithTheKit: the generated policies, and no others, let every
// tool do its work, and nothing besides.
func TestJobRunsWithTheKit(t *testing.T) {
	t.Parallel()
	for _, c := range kitCases() {
		t.Run(fmt.Sprintf("%s-%s-cross-%t", c.encryption, c.partition, c.cross), func(t *testing.T) {
			t.Parallel()
			w, kits := newKitWorld(t, c)
			dir := t.TempDir()
			w.works(t, c, dir)
			// The proof of the kit in package policy is about these operations.
			want := []string{"CompleteMultipartUpload", "CreateMultipartUpload", "GetObject", "GetObjectTagging", "HeadObject", "ListObjectsV2", "PutObject", "UploadPart"}
			hidden := 1 // the one request by which a copy finds out that it may not read tags
			if c.optional {
				want, hidden = slices.Insert(want, 7, "PutObjectTagging"), 0
			}
			if diff := cmp.Diff(want, w.operations(t, hidden)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			w.refusals(t, c, dir)
			w.revoke(t, dir, kits)
		})
	}
}

// TestJobRunsWithAWrongClock: all that works with the kits works too where the
// clocks of the worker and of AWS differ by more than the quarter of an hour that
// AWS takes.
func TestJobRunsWithAWrongClock(t *testing.T) {
	t.Parallel()
	for _, c := range kitCases() {
		for _, c.skew = range []time.Duration{25 * time.Minute, -25 * time.Minute} {
			t.Run(fmt.Sprintf("%s-%s-cross-%t by %v", c.encryption, c.partition, c.cross, c.skew), func(t *testing.T) {
				t.Parallel()
				w, _ := newKitWorld(t, c)
				w.works(t, c, t.TempDir())
			})
		}
	}
}

// works runs a job of every tool, which completes and moves the right bytes.
func (w *world) works(t *testing.T, c kitCase, dir string) {
	t.Helper()
	have := map[string][]byte{"big.mov": media(1, 17<<20), "stills/1.jpg": media(2, 1000), "stills/2.jpg": media(3, 0)}
	for name, data := range have {
		w.fill(t, "acme-masters", c.prefix+name, data)
	}
	w.fill(t, "acme-masters", "private/contract", nil)
	tasks := []string{
		tool("storage:get", `{"connection": "masters", "files": ["**"]}`),
		tool("storage:get", `{"connection": "masters", "path": "stills/1.jpg", "base_dir": "one"}`),
		tool("storage:put", `{"connection": "delivery", "files": ["big.mov", "stills/*"]}`),
		tool("storage:put", `{"connection": "delivery", "files": ["stills/*"], "overwrite": true}`),
		tool("storage:exists", `{"connection": "delivery", "files": ["big.mov", "stills/*.jpg"]}`),
		tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery", "path": "copy/"}, "files": ["*.mov"]}`),
		tool("storage:get", `{"connection": "delivery", "files": ["copy/*"], "base_dir": "back"}`),
	}
	if c.optional {
		tasks = append(tasks, tool("storage:tag_s3", `{"connection": "delivery", "files": ["**"], "tags": {"state": "done"}}`))
	}
	report := w.run(t.Context(), t, dir, strings.Join(tasks, ","), nil)
	if report.Status != rolecall.Completed {
		t.Fatal(show(report))
	}
	if local := tree(t, dir); !bytes.Equal(local["back/copy/big.mov"], have["big.mov"]) || !bytes.Equal(local["one/1.jpg"], have["stills/1.jpg"]) {
		t.Error("other bytes came back")
	}
}

func (w *world) fill(t *testing.T, bucket, key string, data []byte) {
	t.Helper()
	if err := w.server.PutObject(bucket, key, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

// operations gives what the job asked of S3 as a role; nothing was refused but
// so many requests for tags.
func (w *world) operations(t *testing.T, hidden int) []string {
	t.Helper()
	out := map[string]bool{}
	for _, e := range w.server.Trail() {
		if e.Service != "s3" || e.Caller == "" {
			continue
		}
		out[e.Operation] = true
		switch {
		case e.ErrorCode == "":
		case e.Operation == "GetObjectTagging":
			hidden--
		default:
			t.Errorf("%s of %s: %s", e.Operation, e.Resource, e.ErrorCode)
		}
	}
	if hidden != 0 {
		t.Errorf("%d refused requests for tags are missing", hidden)
	}
	return keysOf(out)
}

// refusals are jobs for which the kits are not.
func (w *world) refusals(t *testing.T, c kitCase, dir string) {
	t.Helper()
	at := func(bucket, key, role string) string {
		return fmt.Sprintf(`"location": "s3://%s/%s", "role_arn": %q, "bucket_owner": %q`, bucket, key, c.arn("iam", "", kitRoles, "role/"+role), c.owner())
	}
	jobs := map[string]string{
		"write to the source":                tool("storage:put", `{`+at("acme-masters", c.prefix+"big.mov", "masters")+`, "overwrite": true}`),
		"fetch by the role of the other one": tool("storage:get", `{`+at("acme-masters", "private/contract", "delivery")+`, "base_dir": "x"}`),
	}
	if c.prefix != "" {
		jobs["fetch from outside the prefix"] = tool("storage:get", `{`+at("acme-masters", "private/contract", "masters")+`, "base_dir": "x"}`)
		jobs["list outside the prefix"] = tool("storage:exists", `{`+at("acme-masters", "private/contract", "masters")+`}`)
	}
	if c.keyOwner() != "" {
		jobs["deliver unencrypted"] = tool("storage:put", `{`+at("acme-delivery", c.prefix+"big.mov", "delivery")+`, "overwrite": true, "encryption": {"type": "AES256"}}`)
	}
	for name, tasks := range jobs {
		if report := w.run(t.Context(), t, dir, tasks, nil); report.Status != rolecall.Failed || report.Errors[0].Code != rolecall.Forbidden {
			t.Errorf("%s: %s", name, show(report))
		}
	}
}

// revoke puts the revocation on the role, whose living sessions then end.
func (w *world) revoke(t *testing.T, dir string, kits map[string]policy.Kit) {
	t.Helper()
	kit := kits["masters"]
	revoked := &sandbox.Role{Trust: kit.Trust, Policies: []*policy.Document{kit.Permissions, kit.Revocation}}
	if err := w.server.PutRole(kitRoles, "masters", revoked); err != nil {
		t.Fatal(err)
	}
	report := w.run(t.Context(), t, dir, tool("storage:exists", `{"connection": "masters", "files": ["big.mov"]}`), nil)
	if report.Status != rolecall.Failed || report.Errors[0].Code != rolecall.Forbidden {
		t.Error(show(report))
	}
}
