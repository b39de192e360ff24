package dispenser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// TestHints does what each hint about the config says: then the fault is gone.
func TestHints(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/dispenser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const bearer = "bearer: {file: ./bearer}"
	env := func(name string) string {
		switch name {
		case "SHORT":
			return "short"
		case "LONG":
			return strings.Repeat("0a", 16) // openssl rand -hex 16
		}
		return getenv(name)
	}
	to := func(right, wrong, followed string) hinttest.Change {
		return hinttest.Change{Right: right, Wrong: wrong, Followed: followed}
	}
	at := func(line string) string { return line + "\nurl: https://Credentials" }
	done := hinttest.Follow(t, string(text), []hinttest.Change{
		to("vendor:\n  principals:\n    - arn:aws:iam::873682911326:role/rolecall/dispenser\n    - arn:aws:iam::873682911326:user/caller\n"+bearer, "vendor: {}", "vendor: {}\n"+bearer),
		to("vendor:\n  principals:\n    - arn:aws:iam::873682911326:role/rolecall/dispenser\n    - arn:aws:iam::873682911326:user/caller\n"+bearer, "vendor: {}", "vendor: {principals: [\"arn:aws:iam::873682911326:role/dispenser\"]}"),
		to("arn:aws:iam::873682911326:user/caller", "arn:aws:iam::873682911326:root", "arn:aws:iam::111122223333:role/name"),
		to(bearer, "bearer: {env: SHORT}", "bearer: {env: LONG}"), to(bearer, "bearer: {file: ./bearer, env: LONG}", ""), to(bearer, "bearer: {file: ./none}", ""), to(bearer, "bearer: {}", ""),
		to("example.com/rolecall", "example.com"+HealthPath, ""), to("url: https://Credentials", at("listen: localhost"), at("listen: 127.0.0.1:8080")),
		to("url: https://Credentials", at("listen: ':1'"), at("listen: ':1'\nbehind_tls_proxy: true")), to("url: https://Credentials", at("listen: ':1'"), at("listen: 127.0.0.1:1")),
		to("organizations:\n  acme: {external_id: x-42}", "organizations: {}", ""), to("{external_id: x-42}", "{}", ""), to("x-42", "'x 42'", ""),
		to("source: static, access_key_id_env: VENDING_KEY, secret_access_key_env: VENDING_SECRET, session_token_env: VENDING_TOKEN", "source: principal, principal: other", "source: environment"),
		to("arn: arn:aws:iam::111122223333:role/vending\n  credentials: {source: static, access_key_id_env: VENDING_KEY, secret_access_key_env: VENDING_SECRET, session_token_env: VENDING_TOKEN}",
			"credentials: {source: web_identity, file: ./token}", "arn: arn:aws:iam::111122223333:role/vending\n  credentials: {source: web_identity, file: ./token}"),
		to("http://127.0.0.1:4580", "sts.example.com", "https://sts.example.com"), to("bucket: acme-masters, ", "organization: globex, bucket: acme-masters, ", ""),
		to("prefix: closed/, access: write", "prefix: out/, access: write", ""), to("access: read,", "access: admin,", "access: write,"), to("prefix: in/, ", "", ""), to("prefix: in/, ", "", "prefix: '', "),
		to(`, role_arn: "arn:aws:iam::111122223333:role/closed"`, "", ""), to("region: eu-central-1", "region: cn-north-1", "region: eu-west-1"),
	}, func(document string) []string {
		_, err := parse([]byte(document), "testdata", env)
		return hintsOf(err)
	})
	only := string(text)[strings.Index(string(text), "grants:"):strings.Index(string(text), "endpoints:")]
	_, err = parse([]byte(strings.Replace(string(text), only, "", 1)), "testdata", env)
	done = append(done, hintsOf(err)...) // with grants it is right, as above
	hinttest.Followed(t, ".", append(done, followTLS(t, string(text))...), nil)
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}

// followTLS follows the hints about files.
func followTLS(t *testing.T, text string) []string {
	t.Helper()
	dir := t.TempDir()
	_, missing := Load(filepath.Join(dir, "dispenser.yaml"), getenv)
	done := hintsOf(missing)
	text = strings.Replace(text, "bearer: {file: ./bearer}\n", "", 1)
	read := func(extra string) []string {
		if err := os.WriteFile(filepath.Join(dir, "dispenser.yaml"), []byte(text+extra), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(filepath.Join(dir, "dispenser.yaml"), getenv)
		return hintsOf(err)
	}
	const both = "tls: {certificate: certificate.pem, key: key.pem}\n"
	done = append(done, read("tls: {}\n")...)
	done = append(done, read(both)...)
	done = append(done, read(both+"behind_tls_proxy: true\n")...)
	certificate(t, dir)
	for _, right := range []string{"", both, "behind_tls_proxy: true\n"} {
		if left := read(right); len(left) > 0 {
			t.Errorf("%q: %q", right, left)
		}
	}
	return done
}
