package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	const text = `
principals:
  production: {arn: "arn:aws:iam::873682911326:role/worker", default: true, credentials: {source: static, file: own.json}}
  eu: {arn: "arn:aws:iam::873682911326:role/eu", credentials: {source: web_identity}}
organizations:
  acme: {secrets: {keys: {type: aws_access_key, file: ./keys.json}, token: {type: text, env: HOME}}}
`
	path := write(t, text)
	dir := filepath.Dir(path)
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(`{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "s"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "SSL_CERT_FILE": "/pki/roots.pem",
		"SSL_CERT_DIR": "/pki/a" + string(filepath.ListSeparator) + "/pki/b",
	}
	want := []Place{
		{"the config", path, false},
		{"the state directory", filepath.Join(dir, "rolecall-state"), false},
		{"the secret keys", filepath.Join(dir, "keys.json"), true},
		{"the credentials of the principal eu", "/run/token", true},
		{"the credentials of the principal production", filepath.Join(dir, "own.json"), true},
		{"what SSL_CERT_FILE names", "/pki/roots.pem", false},
		{"what SSL_CERT_DIR names", "/pki/a", false},
		{"what SSL_CERT_DIR names", "/pki/b", false},
	}
	if diff := cmp.Diff(want, c.Places(t.Context(), func(name string) string { return env[name] })); diff != "" {
		t.Error(diff)
	}
}
