package credential_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func declare(t *testing.T, sources map[string]credential.Source) map[string]credential.Declared {
	t.Helper()
	out := map[string]credential.Declared{}
	for name, s := range sources {
		a, err := rolecall.ParseARN("arn:aws:iam::873682911326:role/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = credential.Declared{Principal: rolecall.Principal{Name: name, ARN: a}, Source: s}
	}
	return out
}

func TestOpenSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "container-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"AccessKeyId":"container","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`))
	}))
	t.Cleanup(container.Close)
	sts := newFakeSTS(t, func(stsCall) stsAnswer { return stsAnswer{} })
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": "environment", "AWS_SECRET_ACCESS_KEY": "s", "A": "named", "B": "s", "C": "token",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": write("token", "container-token\n"),
	}
	principals, err := credential.Open(t.Context(), declare(t, map[string]credential.Source{
		"environment": {Source: "environment"},
		"named":       {Source: "static", AccessKeyIDEnv: "A", SecretAccessKeyEnv: "B", SessionTokenEnv: "C"},
		"file":        {Source: "static", File: write("keys.json", `{"access_key_id":"file","secret_access_key":"s"}`)},
		"container":   {Source: "instance"},
		"ASIA1":       {Source: "principal", Principal: "file"}, // what the fake gives first
	}), credential.SourceOptions{STSEndpoint: sts.server.URL, HTTPClient: sts.server.Client(), Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range principals {
		c, err := p.Credentials.Retrieve(t.Context())
		if err != nil || c.AccessKeyID != name {
			t.Errorf("%s: %s, %v", name, c.AccessKeyID, err)
		}
	}
	if calls := sts.seen(); len(calls) != 1 || calls[0].RoleARN != "arn:aws:iam::873682911326:role/ASIA1" {
		t.Errorf("%+v", calls)
	}
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	_, err := credential.Open(t.Context(), declare(t, map[string]credential.Source{
		"a": {Source: "environment"},
		"b": {Source: "static", File: filepath.Join(t.TempDir(), "none")},
		"c": {Source: "principal", Principal: "d"},
		"d": {Source: "principal", Principal: "c"},
		"e": {Source: "principal", Principal: "nobody"},
		"f": {Source: "web_identity"},
		"g": {Source: "static"},
		"h": {Source: "magic"},
		"i": {Source: "instance", Profile: "p"},
	}), credential.SourceOptions{Getenv: func(string) string { return "" }})
	pointers := map[string]bool{}
	for _, e := range rolecall.List(err) {
		if e.Code != rolecall.Invalid {
			t.Errorf("%+v", e)
		}
		pointers[e.Pointer] = true
	}
	want := map[string]bool{}
	for _, p := range strings.Fields("a b/file c/principal d/principal e/principal f g h/source i/profile") {
		name, rest, _ := strings.Cut(p, "/")
		want[strings.TrimSuffix("/principals/"+name+"/credentials/"+rest, "/")] = true
	}
	if diff := cmp.Diff(want, pointers); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A container's endpoint in the environment leads to the machine or to AWS.
func TestInstanceEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, good := range map[string]bool{
		"http://169.254.170.2/v2": true, "http://169.254.170.23/v1": true, "https://example.com/": true, "http://127.0.0.1:80/": true,
		"http://example.com/": false, "http://169.254.169.254/": false, "http://127.0.0.1.example.com/": false, ":": false,
	} {
		_, err := credential.Open(t.Context(), declare(t, map[string]credential.Source{"a": {Source: "instance"}}),
			credential.SourceOptions{Getenv: func(name string) string {
				return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint}[name]
			}})
		if (err == nil) != good {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
