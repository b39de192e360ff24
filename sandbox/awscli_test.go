package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cli is the aws command line with an identity.
type cli struct {
	path string
	dir  string
	env  []string
}

func (w *world) cli(t *testing.T, k keys) *cli {
	t.Helper()
	path := "/usr/bin/aws" // the system's, rather than one that a Python environment puts in front
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("aws"); err != nil {
			t.Fatal("the aws command line is missing: run make deps")
		}
	}
	dir := t.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=eu-central-1",
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_MAX_ATTEMPTS=1", "AWS_ACCESS_KEY_ID=" + k.id, "AWS_SECRET_ACCESS_KEY=" + k.secret,
	}
	if k.token != "" {
		env = append(env, "AWS_SESSION_TOKEN="+k.token)
	}
	return &cli{path, dir, env}
}

// run returns what the command prints, and its error's text.
func (c *cli) run(t *testing.T, url string, args ...string) (string, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.path, append([]string{"--endpoint-url", url, "--output", "json"}, args...)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var out, fail bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fail
	if err := cmd.Run(); err != nil {
		return out.String(), err.Error() + ": " + fail.String()
	}
	return out.String(), ""
}

func (c *cli) must(t *testing.T, url string, args ...string) string {
	t.Helper()
	out, fail := c.run(t, url, args...)
	if fail != "" {
		t.Fatalf("aws %s: %s", strings.Join(args, " "), fail)
	}
	return out
}

func TestAWSCommandLine(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	outside := w.cli(t, worker)
	assume := []string{"sts", "assume-role", "--role-arn", media, "--role-session-name", "acme.1"}
	if _, fail := outside.run(t, w.URL, assume...); !strings.Contains(fail, "(AccessDenied)") || !strings.Contains(fail, "is not authorized to perform: sts:AssumeRole on resource: "+media) {
		t.Errorf("without the external id: %s", fail)
	}
	var got struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	if err := json.Unmarshal([]byte(outside.must(t, w.URL, append(assume, "--external-id", "x-42")...)), &got); err != nil {
		t.Fatal(err)
	}
	inside := w.cli(t, keys{got.Credentials.AccessKeyID, got.Credentials.SecretAccessKey, got.Credentials.SessionToken})
	if out := inside.must(t, w.URL, "sts", "get-caller-identity"); !strings.Contains(out, "assumed-role/media/acme.1") {
		t.Errorf("caller identity: %s", out)
	}

	// 20 MiB are uploaded in parts, and downloaded in ranges.
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<16)
	write(t, filepath.Join(inside.dir, "big.bin"), big)
	inside.must(t, w.URL, "s3", "cp", "--no-progress", "big.bin", "s3://acme-masters/out/big.bin")
	inside.must(t, w.URL, "s3", "cp", "--no-progress", "s3://acme-masters/out/big.bin", "back.bin")
	if back, err := os.ReadFile(filepath.Join(inside.dir, "back.bin")); err != nil || !bytes.Equal(back, big) {
		t.Errorf("%d bytes came back, %v", len(back), err)
	}

	write(t, filepath.Join(inside.dir, "tree/a/1 ä+%.txt"), []byte("one"))
	write(t, filepath.Join(inside.dir, "tree/2.txt"), []byte("two"))
	if out := inside.must(t, w.URL, "s3", "sync", "--no-progress", "tree", "s3://acme-masters/tree/"); strings.Count(out, "upload:") != 2 {
		t.Errorf("first sync: %s", out)
	}
	if out := inside.must(t, w.URL, "s3", "sync", "--no-progress", "tree", "s3://acme-masters/tree/"); out != "" {
		t.Errorf("second sync: %s", out)
	}
	inside.must(t, w.URL, "s3", "sync", "--no-progress", "s3://acme-masters/tree/", "copy")
	if back, err := os.ReadFile(filepath.Join(inside.dir, "copy/a/1 ä+%.txt")); err != nil || string(back) != "one" {
		t.Errorf("synced back %q, %v", back, err)
	}

	signed := strings.TrimSpace(inside.must(t, w.URL, "s3", "presign", "s3://acme-masters/tree/2.txt"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := w.fetch(t, r); resp.StatusCode != http.StatusOK || body != "two" {
		t.Errorf("presigned: %d %s", resp.StatusCode, body)
	}
	r.URL.Path = "/acme-masters/in/a.mov"
	if resp, body := w.fetch(t, r); resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("presigned for another key: %d %s", resp.StatusCode, body)
	}

	if _, fail := w.cli(t, keysOf("nobody")).run(t, w.URL, "s3", "cp", "s3://acme-masters/in/a.mov", "-"); !strings.Contains(fail, "(403)") {
		t.Errorf("nobody: %s", fail)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The command line sets up what a connection takes: a role with its policies,
// a bucket and a key with theirs.
func TestAWSCommandLineSetsUp(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin := w.cli(t, keysOf("admin"))
	write(t, filepath.Join(admin.dir, "trust.json"), []byte(trustsProduction))
	write(t, filepath.Join(admin.dir, "permissions.json"), []byte(readsMasters))
	for _, c := range []struct{ args, want string }{
		{"iam create-role --role-name guest --assume-role-policy-document file://trust.json --max-session-duration 7200", `"Arn": "arn:aws:iam::111122223333:role/guest"`},
		{"iam put-role-policy --role-name guest --policy-name read --policy-document file://permissions.json", ""},
		{"iam get-role --role-name guest --query Role.AssumeRolePolicyDocument.Statement[0].Action", `"sts:AssumeRole"`},
		{"s3api create-bucket --bucket new-one --create-bucket-configuration LocationConstraint=eu-central-1", `"Location": "/new-one"`},
		{"s3api put-bucket-encryption --bucket new-one --server-side-encryption-configuration Rules=[{ApplyServerSideEncryptionByDefault={SSEAlgorithm=aws:kms,KMSMasterKeyID=open}}]", ""},
		{`s3api put-bucket-policy --bucket new-one --policy {"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::new-one/*"}]}`, ""},
		{"s3api get-bucket-policy --bucket new-one --query Policy --output text", "arn:aws:s3:::new-one/*"},
		{"s3api delete-bucket-policy --bucket new-one", ""},
		{"kms create-key --description media", `"KeyState": "Enabled"`},
		{"kms get-key-policy --key-id open --policy-name default --query Policy --output text", "arn:aws:iam::111122223333:root"},
		{`kms put-key-policy --key-id open --policy-name default --policy {"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}]}`, ""},
		{"iam delete-role-policy --role-name guest --policy-name read", ""},
		{"iam delete-role --role-name guest", ""},
	} {
		if out := admin.must(t, w.URL, strings.Fields(c.args)...); !strings.Contains(out, c.want) {
			t.Errorf("aws %s: %s", c.args, out)
		}
	}
	write(t, filepath.Join(admin.dir, "trust.json"), []byte(strings.ReplaceAll(trustsProduction, "production", "staging")))
	if _, fail := admin.run(t, w.URL, "iam", "create-role", "--role-name", "guest", "--assume-role-policy-document", "file://trust.json"); !strings.Contains(fail,
		`Invalid principal in policy: "AWS":"arn:aws:iam::873682911326:role/workers/staging"`) {
		t.Errorf("a stranger is trusted: %s", fail)
	}
}
