package sandbox

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
	const config = `accounts:
  "111122223333":
    partition: aws
    users: {u: {access_key_id: AKIAU, secret_access_key: s, path: /team/}, v: {access_key_id: AKIAV, secret_access_key: s}}
    roles: {r: {access_key_id: ASIAR, secret_access_key: s, session_token: t, session_name: worker, session_expired: true, max_session_duration: 3600, policies: [{Version: 2012-10-17, Statement: [{Sid: A, Effect: Allow, Action: "s3:*", Resource: "*"}]}]}}
    buckets: {bucket: {region: eu-central-1, ownership: ObjectWriter, encryption: {type: "aws:kms", key: k}, policy: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*"}]}}}
    keys: {k: {region: eu-central-1, state: Enabled}}
  "222233334444": {buckets: {other: {region: eu-central-1}}}
faults:
  - {service: sts, error: SlowDown, status: 503, lifetime: 1m}
  - {service: s3, bucket: bucket, error: throttle, delay: 500ms}
`
	to := func(right, wrong, followed string) hinttest.Change {
		return hinttest.Change{Right: right, Wrong: wrong, Followed: followed}
	}
	long := `Resource: "arn:aws:s3:::bucket/` + strings.Repeat("x", 21_000) + `"`
	done := hinttest.Follow(t, config, []hinttest.Change{
		to("500ms", "soon", "1m30s"), to("500ms", "5", ""), to(`"222233334444"`, `"2222"`, ""), to("partition: aws\n", "partition: awss\n", ""), to("partition: aws\n", "partition: mars\n", ""),
		to(`"222233334444": {buckets: {other: {region: eu-central-1}}}`, `"222233334444": {buckets: {other: }}`, ""), to("{region: eu-central-1, state: Enabled}", "", "{region: eu-central-1}"),
		to("keys: {k: {region: eu-central-1, state: Enabled}}", `keys: {k: {region: eu-central-1}, "a/b": {region: eu-central-1}}`, "keys: {k: {region: eu-central-1}, a_b: {region: eu-central-1}}"),
		to("v: {", `"a b": {`, "a_b: {"), to("path: /team/", "path: team", ""), to("Sid: A", `Sid: A, Condition: {StringLike: {prefix: x}}`, `Sid: A, Condition: {StringLike: {"s3:prefix": x}}`),
		to(`Action: "s3:GetObject"`, `Action: "s3:ListBucket"`, ""), to(`Resource: "arn:aws:s3:::bucket/*"`, long, ""), to("AKIAV", "AKIAU", ""), to("session_name: worker", `session_name: "a b"`, ""),
		to("access_key_id: ASIAR, secret_access_key: s, session_token: t, session_name: worker, ", "", ""), to("max_session_duration: 3600", "max_session_duration: 60", ""),
		to("{region: eu-central-1, ownership", "{region: Frankfurt, ownership", ""), to("partition: aws\n", "partition: aws-cn\n", ""), to("{other: {", "{Other: {", ""), to("{other: {", "{bucket: {", ""),
		to("key: k}", `key: "arn:aws:s3:::k"}`, `key: "arn:aws:kms:eu-central-1:111122223333:key/k"}`), to("key: k}", "key: l}", ""), to("key: k}", "key: l}", `key: "arn:aws:kms:eu-central-1:222233334444:key/l"}`),
		to("{service: s3, bucket: bucket, error: throttle, delay: 500ms}", "{service: s3}", "{service: s3, delay: 1s}"), to("error: throttle", `error: "a b"`, ""), to("status: 503", "status: 300", ""),
		to("service: sts, error: SlowDown", "service: s3, error: SlowDown", ""), to("service: s3, bucket", "service: sts, bucket", ""), to("service: s3, bucket", "service: ec2, bucket", ""), to("ownership: ObjectWriter", "ownership: ObjectWritr", ""),
	}, func(document string) []string {
		_, err := ParseConfig([]byte(document), t.TempDir())
		return hintsOf(err)
	})
	done = append(done, hinttest.Follow(t, "accounts: {\"111122223333\": {}}", []hinttest.Change{to("accounts: {\"111122223333\": {}}", "accounts: {}", "")}, func(document string) []string {
		_, err := ParseConfig([]byte(document), t.TempDir())
		return hintsOf(err)
	})...)
	hinttest.Followed(t, ".", append(done, followFiles(t)...), nil)
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}

// followFiles follows the hints about what a config names outside of itself.
func followFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "sandbox.yaml")
	_, missing := LoadConfig(name)
	text := `accounts: {"111122223333": {buckets: {bucket: {region: eu-central-1, objects: objects}}}}`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(name)
	if err != nil {
		t.Fatal(err)
	}
	_, without := Start(t.Context(), cfg, Options{})
	if err := os.Mkdir(filepath.Join(dir, "objects"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, taken := Start(t.Context(), cfg, Options{Listen: strings.TrimPrefix(s.URL, "http://")})
	return append(append(hintsOf(missing), hintsOf(without)...), hintsOf(taken)...)
}
