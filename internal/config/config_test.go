package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/tenant/tenanttest"
)

// whole is the config of the design, with every kind of member.
const whole = `
vendor_accounts: ["873682911326"]
principals:
  production: {arn: "arn:aws:iam::873682911326:role/VTKWorker", regions: [eu-central-1], default: true,
               credentials: {source: environment}}
  staging: {arn: "arn:aws:iam::873682911326:user/staging", credentials: {source: static, file: ./staging.json}}
  dispenser: {arn: "arn:aws:iam::873682911326:role/Dispenser", credentials: {source: profile, profile: dispenser}}
organizations:
  acme:
    external_id: {mode: custom, value: x-42}
    secrets: {keys: {type: aws_access_key, file: ./acme-keys.json}, note: {type: text, env: ROLECALL_TEST_UNSET, host: Vend.example.com}}
    connections:
      masters:  {purpose: source, bucket: acme-masters, prefix: in/, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media"}
      delivery: {purpose: delivery, bucket: out, prefix: out/, role_arn: "arn:aws:iam::111122223333:role/media", bucket_owner: "222233334444",
                 encryption: {type: "aws:kms", key: "arn:aws:kms:eu-central-1:222233334444:key/k"}, external_id: {mode: custom, value: y-43}}
      static:   {purpose: source, bucket: acme-in, secret: keys}
      bearer:   {purpose: source, bucket: acme-in, http_credential_source: {url: "https://vend.example.com/a", secret: note}}
      signed:   {purpose: delivery, bucket: acme-in, http_credential_source: "https://vend.example.com/b"}
  globex: {external_id: {mode: api_name}}
  initech: {}
endpoints: {sts: "http://127.0.0.1:1", s3: "http://127.0.0.1:1"}
network: {allow: [127.0.0.0/8, "::1"]}
state: ./state
`

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := parseStrict([]byte(whole), "/dir")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Organizations["acme"].ExternalID.Value; got != "x-42" {
		t.Errorf("acme's external id is %q", got)
	}
	if got := c.Organizations["globex"].ExternalID.Value; got != "globex" {
		t.Errorf("globex's external id is %q, want its api_name", got)
	}
	if got := c.Organizations["initech"].ExternalID; got.Mode != rolecall.ExternalIDGenerated || got.Value != "" {
		t.Errorf("initech's external id is %+v before Load", got)
	}
	if got := c.Organizations["acme"].Connections["delivery"]; got.Name != "delivery" || got.ExternalID.Value != "y-43" || got.Encryption.Type != "aws:kms" {
		t.Errorf("delivery is %+v", got)
	}
	if c.State != "/dir/state" || c.Sources["staging"].File != "/dir/staging.json" || len(c.Allow) != 2 {
		t.Errorf("state %q, staging's file %q, allow %v", c.State, c.Sources["staging"].File, c.Allow)
	}
	if p := c.Vendor.Principals["production"]; !p.Default || p.ARN.RoleName() != "VTKWorker" {
		t.Errorf("production is %+v", p)
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, replace, with string
		want                []string
	}{
		{"not YAML", whole, "{", []string{"invalid : not YAML"}},
		{"empty", whole, "", []string{"invalid /principals: no principal"}},
		{"unknown key", "vendor_accounts", "vendor_acounts", []string{"invalid /vendor_acounts: unknown field"}},
		{"unknown nested key", "purpose: source, bucket: acme-masters", "purpose: source, buckt: acme-masters", []string{
			"invalid /organizations/acme/connections/masters/buckt: unknown field", "invalid /organizations/acme/connections/masters/bucket: bucket is missing",
		}},
		{"account", `"873682911326"]`, `"8736"]`, []string{"invalid /vendor_accounts/0: not an account id"}},
		{"account's type", `"873682911326"]`, `{}]`, []string{"invalid /vendor_accounts/0: must be a string"}},
		{"principal's ARN", "arn:aws:iam::873682911326:user/staging", "arn:aws:s3:::bucket", []string{"invalid /principals/staging/arn: not the ARN of an IAM role"}},
		{"source", "{source: environment}", "{source: enviroment}", []string{"invalid /principals/production/credentials/source: unknown source"}},
		{"source of nobody", "{source: environment}", "{source: principal, principal: nobody}", []string{"invalid /principals/production/credentials/principal: no principal"}},
		{"region that is none", "[eu-central-1]", "[x@example.com]", []string{`invalid /principals/production/regions/0: "x@example.com" is not a region`}},
		{"region of another partition", "[eu-central-1]", "[cn-north-1]", []string{"invalid /principals/production/regions/0: partition"}},
		{"two defaults", "user/staging\",", "user/staging\", default: true,", []string{"invalid /principals/staging/default: both default"}},
		{"api_name", "  globex:", "  Globex Inc:", []string{"invalid /organizations/Globex Inc: not an api_name"}},
		{"external id of another", "value: x-42", "value: GLOBEX", []string{"conflict /organizations/acme/external_id/value: organization globex"}},
		{"external id of another's connection", "{mode: api_name}", "{mode: custom, value: Y-43}", []string{"conflict /organizations/globex/external_id/value: organization acme"}},
		{"external id's form", "value: x-42", `value: "x 42"`, []string{"invalid /organizations/acme/external_id/value: not one that STS accepts"}},
		{"value without custom", "{mode: api_name}", "{mode: api_name, value: globex}", []string{"invalid /organizations/globex/external_id/value: only mode custom"}},
		{"generated for a connection", "external_id: {mode: custom, value: y-43}", "external_id: {mode: generated}", []string{"invalid /organizations/acme/connections/delivery/external_id/mode: not generated here"}},
		{"vendor's role", "role_arn: \"arn:aws:iam::111122223333:role/media\"}", "role_arn: \"arn:aws:iam::873682911326:role/media\"}", []string{"invalid /organizations/acme/connections/masters/role_arn: account of the vendor's"}},
		{"secret's type", "type: aws_access_key", "type: keys", []string{"invalid /organizations/acme/secrets/keys/type: unknown type", "invalid /organizations/acme/connections/static/secret: holds no AWS access key"}},
		{"secret in the config", "file: ./acme-keys.json", "value: plantedSecret", []string{"invalid /organizations/acme/secrets/keys/value: unknown field", "invalid /organizations/acme/secrets/keys: place for its value"}},
		{"no such secret", "secret: keys", "secret: kees", []string{"invalid /organizations/acme/connections/static/secret: no secret"}},
		{"only the dispenser", whole, `principals: {dispenser: {arn: "arn:aws:iam::873682911326:role/Dispenser", credentials: {source: environment}}}`, []string{"invalid /principals: no principal"}},
		{"dispenser as default", "role/Dispenser\",", "role/Dispenser\", default: true, regions: [eu-west-1],", []string{
			"invalid /principals/dispenser/default: runs no jobs", "invalid /principals/dispenser/regions: runs no jobs", "invalid /principals/production/default: both default",
		}},
		{"dispenser that is another", "role/Dispenser", "role/VTKWorker", []string{"invalid /principals/dispenser/arn: production is the same"}},
		{"nobody signs", "  dispenser: {arn", "  dispensr: {arn", []string{"invalid /organizations/acme/connections/signed/http_credential_source: no principal dispenser"}},
		{"dispenser's URL", `"https://vend.example.com/b"`, `"https://plantedSecret@vend.example.com/b"`, []string{"invalid /organizations/acme/connections/signed/http_credential_source: literal credential"}},
		{"dispenser's secret", "secret: note", "secret: keys", []string{"invalid /organizations/acme/connections/bearer/http_credential_source/secret: is no text"}},
		{"dispenser of another host", "https://vend.example.com/a", "https://vend.example.org/a", []string{"forbidden /organizations/acme/connections/bearer/http_credential_source/secret: not for the host"}},
		{"host of a key", "file: ./acme-keys.json", "file: ./acme-keys.json, host: a.example", []string{"invalid /organizations/acme/secrets/keys/host: sent to no host"}},
		{"host", "host: Vend.example.com", `host: "vend.example.com/x"`, []string{
			"invalid /organizations/acme/secrets/note/host: not a host name", "forbidden /organizations/acme/connections/bearer/http_credential_source/secret: not for the host",
		}},
		{"endpoint", `sts: "http://127.0.0.1:1"`, `sts: "http://user:plantedSecret@127.0.0.1:1"`, []string{"invalid /endpoints/sts: not an http"}},
		{"allow", "127.0.0.0/8", "localhost", []string{"invalid /network/allow/0: not an address"}},
		{"every address", "vendor_accounts:", "listen: \"0.0.0.0:8420\"\nbehind_proxy: [10.0.0.0/8]\nvendor_accounts:", []string{"invalid /listen: links would lead nowhere"}},
		{"every address of IPv6", "vendor_accounts:", "listen: \"[::]:8420\"\nbehind_proxy: [10.0.0.0/8]\nvendor_accounts:", []string{"invalid /listen: links would lead nowhere"}},
		{"no host", "vendor_accounts:", "listen: \":8420\"\nvendor_accounts:", []string{"invalid /listen: links would lead nowhere"}},
		{"plain http for others", "vendor_accounts:", "listen: \"10.1.1.1:8420\"\nvendor_accounts:", []string{"invalid /listen: plain http"}},
		{"plain http in links", "vendor_accounts:", "public_url: \"http://rolecall.example.com\"\nvendor_accounts:", []string{"invalid /public_url: plain http"}},
		{"allow all", "127.0.0.0/8", "0.0.0.0/0", []string{"invalid /network/allow/0: every address"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(whole, tc.replace, tc.with, 1)
			_, err := parseStrict([]byte(text), "/dir")
			var got []string
			for _, e := range rolecall.List(err) {
				got = append(got, string(e.Code)+" "+e.Pointer+": "+e.Message)
				if strings.Contains(e.Message+e.Hint, "planted") {
					t.Errorf("the fault shows the secret: %+v", e)
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i, want := range tc.want {
				place, part, _ := strings.Cut(want, ": ")
				if !strings.HasPrefix(got[i], place+": ") || !strings.Contains(got[i], part) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, DefaultFile)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(DefaultFile, strings.Replace(whole, "{type: text, env: ROLECALL_TEST_UNSET,", "{type: text, file: ./note,", 1))
	_, err := Load(path)
	if got, want := pointers(err), []string{"/organizations/acme/secrets/keys/file", "/organizations/acme/secrets/note/file"}; !cmp.Equal(got, want) {
		t.Fatalf("without the secrets' files: %v, want %v", got, want)
	}
	write("note", "n")
	write("acme-keys.json", `{"access_key_id": "AKIA1"}`)
	_, err = Load(path)
	if got, want := pointers(err), []string{"/organizations/acme/secrets/keys/secret_access_key"}; !cmp.Equal(got, want) {
		t.Fatalf("half a key: %v, want %v", got, want)
	}
	write("acme-keys.json", `{"access_key_id": "AKIA1", "secret_access_key": "planted1"}`)
	first, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := first.Keys(t.Context(), "acme", "keys")
	if err != nil || keys.AccessKeyID != "AKIA1" || keys.SecretAccessKey != "planted1" {
		t.Errorf("keys: %v", err)
	}
	for _, name := range []string{"note", "none"} {
		if _, err := first.Keys(t.Context(), "acme", name); rolecall.CodeOf(err) != rolecall.NotFound {
			t.Errorf("Keys(%q): %v", name, err)
		}
	}
	write("acme-keys.json", `{"access_key_id": "AKIA1", "secret_access_key": "planted2"}`)
	second, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := second.Organizations["initech"].ExternalID; got != (rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated}) {
		t.Errorf("the external id that is to be generated is %+v", got)
	}
	before, after := first.Organizations["acme"].Secrets["keys"].Version, second.Organizations["acme"].Secrets["keys"].Version
	if before == "" || before == after {
		t.Errorf("the version of a changed secret: %q, then %q", before, after)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("loading wrote something: %v, %v", entries, err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("no config: %v", err)
	}
}

func pointers(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Pointer)
	}
	return out
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("principals: {p: {arn: x, credentials: {source: static}}}\norganizations: {a-b: {connections: {c: {purpose: delivery}}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseStrict(data, "/dir")
		if err != nil {
			if c != nil || len(rolecall.List(err)) == 0 || rolecall.CodeOf(err) == rolecall.Internal {
				t.Errorf("a fault that is none of ours: %v", err)
			}
			return
		}
		for name, org := range c.Organizations {
			if rolecall.ValidateAPIName(name) != nil || org.ExternalID.Mode == "" {
				t.Errorf("accepted %q: %+v", name, org)
			}
		}
	})
}

func TestBearer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := strings.Replace(whole, "{type: text, env: ROLECALL_TEST_UNSET,", "{type: text, file: ./note,", 1)
	for name, value := range map[string]string{DefaultFile: text, "acme-keys.json": `{"access_key_id": "AKIA1", "secret_access_key": "planted1"}`, "note": "two words"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(filepath.Join(dir, DefaultFile))
	if got, want := pointers(err), []string{"/organizations/acme/secrets/note"}; !cmp.Equal(got, want) || strings.Contains(err.Error(), "two") {
		t.Fatalf("a token that no header takes: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "note"), []byte("planted-token\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, DefaultFile))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Bearer(t.Context(), "acme", "note"); err != nil || got.Token != "planted-token" {
		t.Errorf("%v", err)
	}
	if s := c.Organizations["acme"].Secrets["note"]; s.Host != "vend.example.com" || s.Version == "" {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"keys", "none"} {
		if _, err := c.Bearer(t.Context(), "acme", name); rolecall.CodeOf(err) != rolecall.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		DefaultFile: "principals: {p: {arn: \"arn:aws:iam::873682911326:role/w\", credentials: {source: environment}}}\n" +
			"organizations: {acme: {secrets: {keys: {type: aws_access_key, file: keys.json}, token: {type: text, file: token}}}, globex: {}}",
		"keys.json": `{"access_key_id": "` + tenanttest.Keys.AccessKeyID + `", "secret_access_key": "` + tenanttest.Keys.SecretAccessKey + `"}`,
		"token":     tenanttest.Bearer.Token + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, DefaultFile))
	if err != nil {
		t.Fatal(err)
	}
	tenanttest.Secrets(t, c)
}

// parseStrict parses a text that must be without faults.
func parseStrict(data []byte, dir string) (*Config, error) {
	c, faults := parse(data, dir)
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}
