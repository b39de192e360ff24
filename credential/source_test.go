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
	principals, err := credential.Open(declare(t, map[string]credential.Source{
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
	_, err := credential.Open(declare(t, map[string]credential.Source{
		"c": {Source: "principal", Principal: "d"},
		"d": {Source: "principal", Principal: "c"},
		"e": {Source: "principal", Principal: "nobody"},
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
	for _, p := range strings.Fields("c/principal d/principal e/principal g h/source i/profile") {
		name, rest, _ := strings.Cut(p, "/")
		want[strings.TrimSuffix("/principals/"+name+"/credentials/"+rest, "/")] = true
	}
	if diff := cmp.Diff(want, pointers); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// What is missing shows when the principal is used, and only then.
func TestMissingSources(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		source credential.Source
		env    map[string]string
		says   string
	}{
		"environment":  {credential.Source{Source: "environment"}, nil, "AWS_ACCESS_KEY_ID is not set"},
		"half":         {credential.Source{Source: "environment"}, map[string]string{"AWS_ACCESS_KEY_ID": "a"}, "AWS_SECRET_ACCESS_KEY is not set"},
		"file":         {credential.Source{Source: "static", File: none}, nil, "cannot be read"},
		"web identity": {credential.Source{Source: "web_identity"}, nil, "AWS_WEB_IDENTITY_TOKEN_FILE"},
		"token file": {
			credential.Source{Source: "instance"},
			map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": none},
			"cannot be read",
		},
	} {
		principals, err := credential.Open(declare(t, map[string]credential.Source{"production": c.source}),
			credential.SourceOptions{Getenv: func(name string) string { return c.env[name] }})
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, strict, func(o *credential.Options) { o.Principals = principals })
		_, err = b.Role(acme()).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Unauthenticated || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "production") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A container's endpoint in the environment leads to the machine or to AWS.
func TestInstanceEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"http://example.com/", "http://169.254.169.254/", "http://127.0.0.1.example.com/", ":"} {
		principals, err := credential.Open(declare(t, map[string]credential.Source{"a": {Source: "instance"}}),
			credential.SourceOptions{Getenv: func(name string) string {
				return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint}[name]
			}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := principals["a"].Credentials.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "leads neither") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// A profile is used even where the environment has other keys.
func TestProfile(t *testing.T) { // not parallel: the SDK reads the process's environment
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[profile work]\naws_access_key_id = profile\naws_secret_access_key = s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path+"-none")
	t.Setenv("AWS_ACCESS_KEY_ID", "environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for name, good := range map[string]bool{"work": true, "other": false} {
		principals, err := credential.Open(declare(t, map[string]credential.Source{"a": {Source: "profile", Profile: name}}), credential.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := principals["a"].Credentials.Retrieve(t.Context()); (err == nil) != good || good && c.AccessKeyID != "profile" {
			t.Errorf("%s: %s, %v", name, c.AccessKeyID, err)
		}
	}
}

func TestWebIdentity(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("web-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.Form.Get("WebIdentityToken") != "web-token" || r.Form.Get("RoleArn") != "arn:aws:iam::873682911326:role/a" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><AssumedRoleUser><AssumedRoleId>AROA1:s</AssumedRoleId>
<Arn>arn:aws:sts::873682911326:assumed-role/a/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
	}))
	t.Cleanup(sts.Close)
	principals, err := credential.Open(declare(t, map[string]credential.Source{"a": {Source: "web_identity", File: token}}),
		credential.SourceOptions{STSEndpoint: sts.URL, HTTPClient: sts.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := principals["a"].Credentials.Retrieve(t.Context()); err != nil || c.AccessKeyID != "web" {
		t.Errorf("%s, %v", c.AccessKeyID, err)
	}
}
