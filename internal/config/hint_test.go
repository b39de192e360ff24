package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// served is the part of a config that rolecall serve reads.
const served = whole + `listen: 127.0.0.1:8420
public_url: https://rolecall.example.com
behind_proxy: [10.0.0.0/8]
tls: {certificate: cert.pem, key: key.pem}
limits: {requests_per_second: 5}
`

// TestHints does what each hint says: then the fault is gone.
func TestHints(t *testing.T) {
	t.Parallel()
	const role = `role_arn: "arn:aws:iam::111122223333:role/media"}`
	done := hinttest.Follow(t, served, []hinttest.Change{
		{Right: `"873682911326"]`, Wrong: `"8736"]`},
		{Right: "127.0.0.0/8", Wrong: "localhost"},
		{Right: "127.0.0.0/8", Wrong: "0.0.0.0/0", Followed: "10.1.2.0/24"},
		{Right: `sts: "http://127.0.0.1:1"`, Wrong: `sts: "http://user:x@127.0.0.1:1?a=b"`, Followed: `sts: "https://sts.example.com"`},
		{Right: `role/Dispenser",`, Wrong: `role/Dispenser", default: true, regions: [eu-west-1],`, Followed: `role/Dispenser",`},
		{Right: "role/Dispenser", Wrong: "role/VTKWorker"},
		{Right: "value: x-42", Wrong: "value: GLOBEX", Followed: "value: x-43"},
		{Right: "external_id: {mode: custom, value: y-43}", Wrong: "external_id: {mode: generated}"},
		{Right: ", external_id: {mode: custom, value: y-43}", Wrong: ", external_id: {mode: generated}", Followed: hinttest.Gone},
		{Right: "{mode: api_name}", Wrong: "{mode: api_name, value: globex}"},
		{Right: "{mode: api_name}", Wrong: "{mode: api_name, value: globex2}", Followed: "{mode: custom, value: globex2}"},
		{Right: `arn: "arn:aws:iam::873682911326:user/staging", `, Wrong: ""},
		{Right: "arn:aws:iam::873682911326:user/staging", Wrong: "arn:aws:s3:::bucket", Followed: "arn:aws:iam::873682911326:role/name"},
		{Right: `user/staging",`, Wrong: `user/staging", regions: [eu-central-1],`},
		{Right: "[eu-central-1]", Wrong: "[Frankfurt]"},
		{Right: `user/staging",`, Wrong: `user/staging", default: true,`},
		{Right: "{source: environment}", Wrong: "{source: principal, principal: nobody}", Followed: "{source: principal, principal: staging}"},
		{Right: "file: ./acme-keys.json", Wrong: "bucket: acme-in"},
		{Right: "file: ./acme-keys.json", Wrong: "file: ./acme-keys.json, env: KEYS"},
		{Right: "public_url: https://rolecall.example.com", Wrong: "public_url: rolecall.example.com/x"},
		{Right: "public_url: https://rolecall.example.com", Wrong: "public_url: http://rolecall.example.com"},
		{Right: "[10.0.0.0/8]", Wrong: "[proxy]"},
		{Right: "{certificate: cert.pem, key: key.pem}", Wrong: "{certificate: cert.pem}"},
		{Right: "limits: {requests_per_second: 5}\n", Wrong: "limits: {requests_per_second: -5}\n", Followed: hinttest.Gone},
		{Right: "listen: 127.0.0.1:8420", Wrong: "listen: localhost"},
		{Right: "listen: 127.0.0.1:8420\npublic_url: https://rolecall.example.com\nbehind_proxy: [10.0.0.0/8]\ntls: {certificate: cert.pem, key: key.pem}", Wrong: "listen: 10.1.1.1:8420", Followed: "listen: 127.0.0.1:8420"},
		{Right: "listen: 127.0.0.1:8420\npublic_url: https://rolecall.example.com\nbehind_proxy: [10.0.0.0/8]\ntls: {certificate: cert.pem, key: key.pem}", Wrong: "listen: 0.0.0.0:8420", Followed: "listen: 127.0.0.1:8420"},
		{Right: "listen: 127.0.0.1:8420\npublic_url: https://rolecall.example.com\nbehind_proxy: [10.0.0.0/8]\ntls: {certificate: cert.pem, key: key.pem}", Wrong: "listen: 10.1.1.1:8420", Followed: "listen: 10.1.1.1:8420\nbehind_proxy: [10.0.0.0/8]"},
		{Right: "listen: 127.0.0.1:8420\npublic_url: https://rolecall.example.com\nbehind_proxy: [10.0.0.0/8]\ntls: {certificate: cert.pem, key: key.pem}", Wrong: "listen: 0.0.0.0:8420", Followed: "listen: 0.0.0.0:8420\npublic_url: https://rolecall.example.com\nbehind_proxy: [10.0.0.0/8]"},
		{Right: "limits: {", Wrong: "database: {url_env: ROLECALL_TEST_UNSET}\nlimits: {", Followed: "database: {url_env: PATH}\nlimits: {"}, // which is set
		{Right: role, Wrong: `role_arn: "arn:aws:iam::873682911326:role/media"}`},
	}, func(document string) []string {
		_, err := parseStrict([]byte(document), "/dir")
		return hintsOf(err)
	})
	done = append(done, hintsOf(justNobody(t))...)
	hinttest.Followed(t, ".", append(done, loadHints(t)...), []string{
		"Operator: correct SSL_CERT_FILE or SSL_CERT_DIR, or unset it", // TestPlaces has both
	})
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}

// justNobody reads a config that declares no principal, and then one.
func justNobody(t *testing.T) error {
	t.Helper()
	_, none := parseStrict([]byte("{}"), "/dir")
	if _, err := parseStrict([]byte(`principals: {production: {arn: "arn:aws:iam::873682911326:role/Worker", credentials: {source: environment}}}`), "/dir"); err != nil {
		t.Error(err)
	}
	return none
}

// loadHints loads configs that are not there, not readable, or that want what is
// not there, and then are and have it.
func loadHints(t *testing.T) []string {
	t.Helper()
	var done []string
	dir := t.TempDir()
	name := filepath.Join(dir, "rolecall.yaml")
	attempt := func(right bool, load func(string) (*Config, error)) {
		t.Helper()
		_, err := load(name)
		if right && err != nil {
			t.Error(err)
		}
		done = append(done, hintsOf(err)...)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	attempt(false, Load)
	_, err := Load(filepath.Join(dir, strings.Repeat("x", 300))) // for root nothing else is unreadable
	done = append(done, hintsOf(err)...)
	_, err = Load(dir) // which is a directory
	done = append(done, hintsOf(err)...)
	write(`principals: {production: {arn: "arn:aws:iam::873682911326:role/Worker", credentials: {source: environment}}}`)
	attempt(true, Load)
	_, err = (&secret{File: filepath.Join(dir, "keys.json")}).read()
	done = append(done, hintsOf(err)...)
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&secret{File: filepath.Join(dir, "keys.json")}).read(); err != nil {
		t.Error(err)
	}
	return done
}
