package dispenser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg, err := Load("testdata/dispenser.yaml", getenv)
	if err != nil {
		t.Fatal(err)
	}
	role, err := rolecall.ParseRoleARN("arn:aws:iam::111122223333:role/media")
	if err != nil {
		t.Fatal(err)
	}
	want := Grant{Organization: "acme", Bucket: "acme-masters", Prefix: "in/", Role: role, Region: "eu-central-1", Duration: time.Hour}
	if diff := cmp.Diff(want, cfg.grants[0]); diff != "" {
		t.Error(diff)
	}
	if cfg.Listen != defaultListen || cfg.url != publicURL || len(cfg.principals) != 2 || cfg.bearer == nil {
		t.Errorf("%+v", cfg)
	}
	if bare := load(t, "example.com/rolecall", "example.com:443", "bearer: {file: ./bearer}", "bearer: {env: VENDING_SECRET}"); bare.url != "https://credentials.example.com/" {
		t.Error(bare.url)
	}
}

// All faults are reported at once, each at its place, and none shows a secret.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"{}", "/url /vendor/principals /organizations /identity/credentials/source /grants"},
		"everything": {
			`
url: http://user@example.com/?x=y
listen: 0.0.0.0:8080
vendr: {}
vendor: {principals: [x, "arn:aws:iam::873682911326:root", "arn:aws:iam::873682911326:role/*", "arn:aws:sts::873682911326:assumed-role/a/b"]}
bearer: {env: SHORT}
organizations: {Acme: {external_id: x-42}, globex: {}, initech: {external_id: "a b"}}
identity: {arn: x, credentials: {source: principal, principal: other}}
grants:
  - {bucket: B, access: admin, prefix: in, role_arn: "arn:aws:iam::111122223333:user/u", kms_key: alias/x, region: mars}
  - {bucket: bucket, access: read, role_arn: "arn:aws:iam::111122223333:role/r", region: cn-north-1, organization: nobody, role_session_duration_seconds: 60}
  - {organization: globex, bucket: bucket, access: read, prefix: "", role_arn: "arn:aws:iam::111122223333:role/r"}
  - {organization: globex, bucket: bucket, access: read, prefix: ""}
endpoints: {sts: "sts.example.com"}
`,
			`/vendr /url /listen /vendor/principals/0 /vendor/principals/1 /vendor/principals/2 /vendor/principals/3 /bearer
/organizations/Acme /organizations/globex/external_id /organizations/initech/external_id
/identity/credentials/source /identity/arn /endpoints/sts
/grants/0/access /grants/0/bucket /grants/0/prefix /grants/0/region /grants/0/role_arn /grants/0/kms_key /grants/0/organization
/grants/1/prefix /grants/1/role_session_duration_seconds /grants/1/region /grants/1/organization
/grants/3/role_arn /grants/3`,
		},
		"files": {
			`
url: https://example.com:8443/
tls: {certificate: none.pem, key: none.pem}
behind_tls_proxy: true
bearer: {file: none, env: SHORT}
organizations: {acme: {external_id: x-42}}
identity: {credentials: {source: web_identity}}
grants: [{bucket: bucket, prefix: "", access: read, role_arn: "arn:aws:iam::111122223333:role/r"}]
`,
			"/url /behind_tls_proxy /bearer/env /identity/arn",
		},
		"tls": {
			`
url: https://example.com/
listen: 0.0.0.0:443
tls: {certificate: none.pem, key: none.pem}
bearer: {file: none}
organizations: {acme: {external_id: x-42}}
identity: {credentials: {source: instance}}
grants: [{bucket: bucket, prefix: "", access: read, role_arn: "arn:aws:iam::111122223333:role/r"}]
`,
			"/tls /bearer/file",
		},
		"empty": {
			`
url: https://example.com/healthz
listen: here
tls: {}
bearer: {}
organizations: {acme: {external_id: x-42}}
identity: {credentials: {source: instance}}
grants: [{bucket: bucket, prefix: "", access: read, role_arn: "arn:aws:iam::111122223333:role/r"}]
`,
			"/url /listen /bearer",
		},
	} {
		_, err := parse([]byte(c.text), t.TempDir(), func(name string) string { return map[string]string{"SHORT": "short"}[name] })
		var got []string
		for _, e := range rolecall.List(err) {
			got = append(got, e.Pointer)
			if e.Code != rolecall.Invalid || strings.Contains(e.Message+e.Hint, "short ") && e.Pointer != "/bearer" || strings.Contains(e.Message+e.Hint, "x-42") {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// Credentials cross a network only by TLS.
func TestListen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/dispenser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for extra, want := range map[string]bool{
		"listen: 127.0.0.1:1": true, "listen: '[::1]:1'": true, "listen: localhost:1": true, "listen: ':1'": false, "listen: 10.0.0.1:1": false,
		"{listen: ':1', behind_tls_proxy: true}": true,
	} {
		extra = strings.ReplaceAll(strings.Trim(extra, "{}"), ", ", "\n")
		if _, err := parse([]byte(extra+"\n"+string(text)), "testdata", getenv); (err == nil) != want {
			t.Errorf("%s: %v", extra, err)
		}
	}
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none"), large, dir} {
		if _, err := Load(path, getenv); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The page shows a config that is valid, also with all of its commented lines.
func TestDocumentedConfig(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/dispenser.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\nurl:")
	text, _, found := strings.Cut("url:"+rest, "```")
	if !found {
		t.Fatal("the page shows no dispenser.yaml")
	}
	secret := func(string) string { return bearerSecret }
	if _, err := parse([]byte(text), t.TempDir(), secret); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	certificate(t, dir)
	text = strings.NewReplacer("# tls:", "tls:", "./cert.pem", "certificate.pem", "./key.pem", "key.pem", "# bearer:", "bearer:").Replace(text)
	cfg, err := parse([]byte(text), dir, secret)
	if err != nil || cfg.certificate == nil || cfg.bearer == nil {
		t.Error(err)
	}
}
