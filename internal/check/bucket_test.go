package check_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/sandbox"
	"github.com/rolecall/rolecall/policy"
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
	deep       bool
}

// newSetting makes a delivery under a KMS key, the bucket and the key in the
// account, whose objects are versioned.
func newSetting(t *testing.T, owner, organization string) *setting {
	t.Helper()
	s := &setting{objects: map[string]string{"out/a": "bytes"}, connection: rolecall.Connection{
		Name: "delivery", Purpose: rolecall.Delivery, Bucket: "acme-delivery", Prefix: "out/", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: owner,
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:" + owner + ":key/media"},
	}}
	kit, err := policy.Generate(policy.KitRequest{
		Connection: s.connection, Principals: []string{"arn:aws:iam::999900009999:role/production"}, ExternalIDs: []string{"acme-42"}, Versioned: true,
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
	s.config.Accounts[roleAccount].Roles["media"] = s.role
	s.config.Accounts[owner].Buckets["acme-delivery"] = s.bucket
	s.config.Accounts[owner].Keys["media"] = s.key
	return s
}

func (s *setting) check(t *testing.T) (rolecall.CheckReport, *sandbox.Server) {
	t.Helper()
	server, err := sandbox.New(&s.config, sandbox.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	url, err := server.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for key, content := range s.objects {
		if err := server.S3().Put("acme-delivery", key, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		if content == "GLACIER" {
			if err := server.S3().SetStorageClass("acme-delivery", key, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	verdicts, err := credential.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	arn, _ := rolecall.ParseARN("arn:aws:iam::999900009999:role/production")
	principal := rolecall.Principal{Name: "production", ARN: arn, Default: true}
	vault := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal:   principal,
			Credentials: credentials.NewStaticCredentialsProvider("ASIAPRODUCTION000001", "production-secret", "production-token"),
		}},
		Verdicts: verdicts, STSEndpoint: url,
	})
	t.Cleanup(vault.Close)
	report := check.Run(t.Context(), check.Request{
		ID: "check-1", Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "acme-42"}},
		Connection: s.connection, Vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": principal}}, Principal: principal, Deep: s.deep,
	}, check.Environment{Vault: vault, STSEndpoint: url, S3Endpoint: url, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	return report, server
}

// apply puts a patch's document in the place of what is there.
func (s *setting) apply(t *testing.T, p rolecall.Patch) bool {
	t.Helper()
	var doc *policy.Document
	if p.Policy != nil {
		var err error
		if doc, err = policy.Parse(p.Policy); err != nil {
			t.Fatal(err)
		}
	}
	switch p.Document {
	case "permissions":
		s.role.Policies = []*policy.Document{doc}
	case "boundary":
		s.role.Boundary = doc
	case "bucket":
		s.bucket.Policy = doc
	case "key":
		s.key.Policy = doc
	case "scp":
		for _, a := range s.config.Accounts {
			a.SCP = []*policy.Document{doc}
		}
	case "rcp":
		for _, a := range s.config.Accounts {
			a.RCP = []*policy.Document{doc}
		}
	case "connection":
		name := s.connection.Name
		if s.connection = (rolecall.Connection{}); rolecall.Decode(p.Connection, &s.connection) != nil {
			t.Fatalf("no connection: %s", p.Connection)
		}
		s.connection.Name = name
	default:
		return false
	}
	return true
}

func doc(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// without gives the document less the words, each a JSON string or more.
func without(t *testing.T, d *policy.Document, words ...string) *policy.Document {
	t.Helper()
	text := string(d.JSON())
	for i := 0; i < len(words); i += 2 {
		if !strings.Contains(text, words[i]) {
			t.Fatalf("%s is not in %s", words[i], text)
		}
		text = strings.Replace(text, words[i], words[i+1], 1)
	}
	return doc(t, text)
}

func failing(r rolecall.CheckReport) []rolecall.CheckStep {
	var out []rolecall.CheckStep
	for _, s := range r.Steps {
		if s.Result == rolecall.CheckFail {
			out = append(out, s)
		}
	}
	return out
}

func dump(t *testing.T, r rolecall.CheckReport) {
	t.Helper()
	for _, s := range r.Steps {
		var to []string
		for _, p := range s.Patches {
			to = append(to, p.Document)
		}
		if s.Patch != nil && len(to) == 0 {
			to = append(to, s.Patch.Document)
		}
		t.Logf("%-19s %-5s %-8s %v %s | %s %v", s.Step, s.Result, s.Layer, s.Candidates, s.Message, s.Hint, to)
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
			if left := server.S3().Uploads("acme-delivery"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	}
}

func TestMended(t *testing.T) {
	t.Parallel()
	const allow = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	deny := func(action, rest string) string {
		return `{"Version":"2012-10-17","Statement":[` + allow + `,{"Effect":"Deny","Action":"` + action + `","Resource":"*"` + rest + `}]}`
	}
	everyone := `,"Principal":"*"`
	for i, c := range []struct {
		name   string
		spoil  func(t *testing.T, s *setting)
		step   string
		layers []rolecall.CheckLayer // that must be named; several: of silent answers
	}{
		{"no ListBucket", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:ListBucket"`, `"s3:GetBucketAcl"`)
		}, "list", []rolecall.CheckLayer{"role"}},
		{"prefix without star", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:prefix":"out/*"`, `"s3:prefix":"out/"`)
		}, "list", []rolecall.CheckLayer{"role"}},
		{"prefix without slash", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:prefix":"out/*"`, `"s3:prefix":"out"`)
		}, "list", []rolecall.CheckLayer{"role"}},
		{"no GetObject", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:GetObject"`, `"s3:GetBucketAcl"`)
		}, "read", []rolecall.CheckLayer{"role"}},
		{"no GetObjectVersion", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:GetObjectVersion"`, `"s3:GetBucketAcl"`)
		}, "read", []rolecall.CheckLayer{"role"}},
		{"no PutObject", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:PutObject"`, `"s3:GetBucketAcl"`)
		}, "write", []rolecall.CheckLayer{"role"}},
		{"no ListMultipartUploadParts", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:ListMultipartUploadParts"`, `"s3:GetBucketAcl"`)
		}, "multipart", []rolecall.CheckLayer{"role"}},
		{"no AbortMultipartUpload", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"s3:AbortMultipartUpload"`, `"s3:GetBucketAcl"`)
		}, "cleanup", []rolecall.CheckLayer{"role"}},
		{"no GenerateDataKey", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"kms:GenerateDataKey"`, `"kms:DescribeKey"`)
		}, "key", []rolecall.CheckLayer{"role"}},
		{"no Decrypt", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], `"kms:Decrypt"`, `"kms:DescribeKey"`)
		}, "key", []rolecall.CheckLayer{"role"}},
		{"key's policy without the role", func(t *testing.T, s *setting) {
			s.key.Policy = without(t, s.key.Policy, `role/media`, `role/other`)
		}, "key", []rolecall.CheckLayer{"key", "role"}},
		{"key's policy denies", func(t *testing.T, s *setting) {
			s.key.Policy = doc(t, deny("kms:Decrypt", everyone)[:len(`{"Version":"2012-10-17","Statement":[`)]+
				`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}`)
		}, "key", []rolecall.CheckLayer{"key"}},
		{"bucket denies all", func(t *testing.T, s *setting) {
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "list", []rolecall.CheckLayer{"bucket"}},
		{"bucket denies the session", func(t *testing.T, s *setting) {
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":{"StringLike":{"aws:userid":"*:acme.*"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "read", []rolecall.CheckLayer{"bucket"}},
		{"boundary", func(t *testing.T, s *setting) {
			s.role.Boundary = doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject*","kms:*","s3:ListBucket"],"Resource":"*"}}`)
		}, "write", []rolecall.CheckLayer{"role"}},
		{"scp", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].SCP = []*policy.Document{doc(t, deny("s3:PutObject", ""))}
		}, "write", []rolecall.CheckLayer{"organization policy"}},
		{"rcp", func(t *testing.T, s *setting) {
			d := doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`)
			s.config.Accounts[s.connection.BucketOwner].RCP = []*policy.Document{d}
		}, "read", []rolecall.CheckLayer{"organization policy"}},
		{"wrong region", func(_ *testing.T, s *setting) { s.connection.Region = "eu-west-1" }, "region", []rolecall.CheckLayer{"name"}},
		{"wrong owner", func(_ *testing.T, s *setting) { s.connection.BucketOwner = "333344445555" }, "owner", []rolecall.CheckLayer{"name"}},
		{"key of another region", func(_ *testing.T, s *setting) {
			s.connection.Region, s.connection.Encryption.Key = "", strings.Replace(s.connection.Encryption.Key, "eu-central-1", "eu-west-1", 1)
		}, "key", []rolecall.CheckLayer{"name"}},
		{"no such key", func(_ *testing.T, s *setting) {
			s.connection.Encryption.Key = strings.Replace(s.connection.Encryption.Key, "media", "other", 1)
		}, "key", []rolecall.CheckLayer{"key", "name"}},
		{"acl", func(_ *testing.T, s *setting) { s.connection.ACL = "private" }, "ownership", []rolecall.CheckLayer{"name", "role"}},
		{"acl with owner enforced", func(t *testing.T, s *setting) {
			s.connection.ACL = "private"
			text := string(s.role.Policies[0].JSON())
			s.role.Policies[0] = doc(t, strings.Replace(text, `"s3:PutObject"`, `"s3:PutObject","s3:PutObjectAcl"`, 1))
			if s.bucket.Policy != nil {
				s.bucket.Policy = doc(t, strings.Replace(string(s.bucket.Policy.JSON()), `"s3:PutObject"`, `"s3:PutObject","s3:PutObjectAcl"`, 1))
			}
		}, "ownership", []rolecall.CheckLayer{"name"}},
		{"probe_key missing", func(_ *testing.T, s *setting) { s.connection.ProbeKey = "out/b" }, "read", []rolecall.CheckLayer{"name"}},
		{"weak default", func(_ *testing.T, s *setting) { s.bucket.Encryption = sandbox.Encryption{} }, "encryption", []rolecall.CheckLayer{"bucket"}},
		{"encryption not declared", func(t *testing.T, s *setting) {
			s.connection.Encryption = nil
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":{"Null":{"s3:x-amz-server-side-encryption":"true"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "write", []rolecall.CheckLayer{"name", "bucket"}},
		{"requester pays", func(t *testing.T, s *setting) {
			if s.bucket.RequesterPays = true; s.connection.BucketOwner == roleAccount {
				t.Skip("an owner does not pay itself")
			}
		}, "list", []rolecall.CheckLayer{"name"}},
		{"requester pays and wrong owner", func(_ *testing.T, s *setting) {
			s.bucket.RequesterPays, s.connection.BucketOwner = true, "333344445555"
		}, "owner", []rolecall.CheckLayer{"name"}},
		{"archived", func(_ *testing.T, s *setting) { s.objects["out/a"] = "GLACIER" }, "read", []rolecall.CheckLayer{"bucket"}},
		{"key disabled", func(_ *testing.T, s *setting) { s.key.State = "Disabled" }, "key", []rolecall.CheckLayer{"key"}},
		{"key pending deletion", func(_ *testing.T, s *setting) { s.key.State = "PendingDeletion" }, "key", []rolecall.CheckLayer{"key"}},
		{"vpc endpoint only", func(t *testing.T, s *setting) {
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"],"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "list", []rolecall.CheckLayer{"bucket"}},
		{"identity denies", func(t *testing.T, s *setting) {
			s.role.Policies = append(s.role.Policies, doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}}`))
		}, "write", []rolecall.CheckLayer{"role"}},
		{"role has nothing", func(_ *testing.T, s *setting) { s.role.Policies = nil }, "list", []rolecall.CheckLayer{"role"}},
		{"scp denies all", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].SCP = []*policy.Document{doc(t, deny("s3:*", ""))}
		}, "list", []rolecall.CheckLayer{"organization policy"}},
		{"scp denies the region", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].SCP = []*policy.Document{doc(t, deny("*", `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}`))}
		}, "list", []rolecall.CheckLayer{"organization policy"}},
		{"scp denies the key", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].SCP = []*policy.Document{doc(t, deny("kms:*", ""))}
		}, "key", []rolecall.CheckLayer{"organization policy"}},
		{"rcp denies the key", func(t *testing.T, s *setting) {
			d := doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`)
			s.config.Accounts[otherAccount].RCP, s.config.Accounts[roleAccount].RCP = []*policy.Document{d}, []*policy.Document{d}
		}, "key", []rolecall.CheckLayer{"organization policy"}},
		{"boundary without key", func(t *testing.T, s *setting) {
			s.role.Boundary = doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
		}, "key", []rolecall.CheckLayer{"role"}},
		{"via another region", func(t *testing.T, s *setting) {
			s.role.Policies[0] = without(t, s.role.Policies[0], "s3.eu-central-1.amazonaws.com", "s3.eu-west-1.amazonaws.com")
		}, "key", []rolecall.CheckLayer{"role"}},
		{"bucket policy missing", func(_ *testing.T, s *setting) {
			if s.connection.BucketOwner != roleAccount {
				s.bucket.Policy = nil
			} else {
				s.role.Policies = nil
			}
		}, "list", []rolecall.CheckLayer{"bucket", "role"}},
		{"bucket gone", func(_ *testing.T, s *setting) { s.connection.Bucket = "acme-nowhere" }, "region", []rolecall.CheckLayer{"name"}},
		{"owner undeclared", func(_ *testing.T, s *setting) {
			if s.connection.BucketOwner == roleAccount {
				s.connection.BucketOwner = otherAccount
			} else {
				s.connection.BucketOwner = ""
			}
		}, "owner", []rolecall.CheckLayer{"name"}},
		{"probe_key outside", func(_ *testing.T, s *setting) { s.connection.ProbeKey = "in/b" }, "read", []rolecall.CheckLayer{"name"}},
		{"storage class", func(_ *testing.T, s *setting) { s.connection.StorageClass = "CHEAP" }, "write", []rolecall.CheckLayer{"name"}},
		{"bucket needs AES256", func(t *testing.T, s *setting) {
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "write", []rolecall.CheckLayer{"name", "bucket"}},
		{"source without encryption declared", func(_ *testing.T, s *setting) {
			s.connection.Purpose, s.connection.Encryption, s.role.Policies = "source", nil, nil
			s.role.Policies = []*policy.Document{doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)}
		}, "key", []rolecall.CheckLayer{"role"}},
		{"delivery without encryption declared", func(_ *testing.T, s *setting) {
			s.connection.Encryption, s.role.Policies = nil, nil
			s.role.Policies = []*policy.Document{doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)}
		}, "key", []rolecall.CheckLayer{"role"}},
		{"acl required", func(t *testing.T, s *setting) {
			s.bucket.Ownership = "BucketOwnerPreferred"
			text := string(s.role.Policies[0].JSON())
			s.role.Policies[0] = doc(t, strings.Replace(text, `"s3:PutObject"`, `"s3:PutObject","s3:PutObjectAcl"`, 1))
			s.bucket.Policy = doc(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*","Condition":{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}]}`)
		}, "write", []rolecall.CheckLayer{"name", "bucket"}},
	} {
		// Where S3 is silent, where it speaks, and where it speaks across accounts.
		base := []struct{ name, owner, organization string }{
			{"two accounts", otherAccount, ""}, {"one account", roleAccount, ""}, {"one organization", otherAccount, "o-acme"},
		}[i%3]
		t.Run(c.name+"/"+base.name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t, base.owner, base.organization)
			c.spoil(t, s)
			report, _ := s.check(t)
			failed := failing(report)
			if len(failed) == 0 || failed[0].Step != c.step {
				dump(t, report)
				t.Fatalf("%d steps fail", len(failed))
			}
			f := failed[0]
			said := append([]rolecall.CheckLayer{f.Layer}, f.Candidates...)
			if !slices.ContainsFunc(c.layers, func(l rolecall.CheckLayer) bool { return slices.Contains(said, l) }) || len(f.Candidates) > 3 {
				dump(t, report)
				t.Errorf("layers %q", said)
			}
			patches := f.Patches
			if patches == nil && f.Patch != nil {
				patches = []rolecall.Patch{*f.Patch}
			}
			for i, p := range patches {
				again := newSetting(t, base.owner, base.organization)
				c.spoil(t, again)
				if !again.apply(t, p) {
					t.Logf("not applied: %v", p.Commands)
					return
				}
				mended, _ := again.check(t)
				if mended.Result != rolecall.CheckFail {
					t.Logf("mended by patch %d of %d: %s", i+1, len(patches), p.Document)
					return
				}
				if i == len(patches)-1 {
					dump(t, report)
					text, _ := json.Marshal(p)
					t.Logf("after %s", text)
					dump(t, mended)
				}
			}
			t.Errorf("none of %d patches mends it", len(patches))
		})
	}
}
