package credential_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/credential"
)

func TestSourceFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, keys := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	const text = `
[profile work]
role_arn = arn:aws:iam::873682911326:role/worker
source_profile = base
region = eu-central-1
ca_bundle = /pki/bundle.pem
[profile base]
role_arn = arn:aws:iam::873682911326:role/base
web_identity_token_file = /run/token
`
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"AWS_CONFIG_FILE": own, "AWS_SHARED_CREDENTIALS_FILE": keys, "AWS_PROFILE": "work",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "/env/token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/env/container",
	}
	for _, c := range []struct {
		source credential.Source
		want   []string
	}{
		{credential.Source{Source: "environment"}, nil},
		{credential.Source{Source: "principal", Principal: "p"}, nil},
		{credential.Source{Source: "static", AccessKeyIDEnv: "A", SecretAccessKeyEnv: "B"}, nil},
		{credential.Source{Source: "static", File: "/keys"}, []string{"/keys"}},
		{credential.Source{Source: "web_identity", File: "/token"}, []string{"/token"}},
		{credential.Source{Source: "web_identity"}, []string{"/env/token"}},
		{credential.Source{Source: "instance"}, []string{"/env/container"}},
		{credential.Source{Source: "profile"}, []string{own, keys, "/pki/bundle.pem", "/run/token"}},
		{credential.Source{Source: "profile", Profile: "none"}, []string{own, keys}},
	} {
		got := c.source.Files(t.Context(), func(name string) string { return env[name] })
		if diff := cmp.Diff(c.want, got, cmp.Transformer("", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.source, diff)
		}
	}
}
