package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// example is the sandbox.yaml of the design, filled in.
const example = `
accounts:
  "111122223333":
    scp: [{Version: 2012-10-17, Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]
    users:
      ci: {access_key_id: AKIA0001, secret_access_key: s, policies: [{Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}],
           boundary: {Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
    roles:
      media: {trust: {Statement: {Effect: Allow, Principal: {AWS: "873682911326"}, Action: "sts:AssumeRole"}}, policies: [], max_session_duration: 3600}
    buckets:
      acme-masters: {region: eu-central-1, encryption: {type: "aws:kms", key: media}, versioning: true,
                     ownership: BucketOwnerEnforced, requester_pays: false, object_lock: false, objects: ./dir}
    keys: {media: {region: eu-central-1}}
clock_skew: -20m
faults: [{service: s3, operation: PutObject, error: SlowDown, rate: 0.1}, {service: sts, expire_after: 1m30s}]
`

func TestParseConfig(t *testing.T) {
	t.Parallel()
	cfg, err := ParseConfig([]byte(example), "/etc")
	if err != nil {
		t.Fatal(err)
	}
	a := cfg.Accounts["111122223333"]
	if a.Buckets["acme-masters"].Encryption.Key != "media" || a.Roles["media"].MaxSessionDuration != 3600 || len(a.SCP) != 1 || a.Users["ci"].Boundary == nil {
		t.Errorf("got %+v", a)
	}
	if time.Duration(cfg.ClockSkew) != -20*time.Minute {
		t.Errorf("skew %v", cfg.ClockSkew)
	}
	if *cfg.Faults[0].Rate != 0.1 || time.Duration(cfg.Faults[1].ExpireAfter) != 90*time.Second {
		t.Errorf("got %+v", cfg.Faults)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	in := func(account string) string { return "accounts: {'111122223333': {" + account + "}}" }
	with := func(fault string) string { return in("") + "\nfaults: [{" + fault + "}]" }
	for _, c := range []struct {
		name, in string
		want     []string // pointers
	}{
		{"empty", "", []string{"/accounts"}},
		{"an unknown key", "acounts: {}", []string{"/acounts"}},
		{"several at once", in("user: {}, rolls: {}") + "\nfault: []", []string{"/accounts/111122223333/user", "/accounts/111122223333/rolls", "/fault"}},
		{"bad account", "accounts: {abc: {}}", []string{"/accounts/abc"}},
		{"bad partition", in("partition: aws-mars"), []string{"/accounts/111122223333/partition"}},
		{
			"bad policy", in("users: {u: {policies: [{Statement: [{Effect: Maybe, Action: 'a:b', Resource: '*'}]}]}}"),
			[]string{"/accounts/111122223333/users/u/policies/0/Statement/0/Effect"},
		},
		{
			"a principal in an identity's policy", in("users: {u: {policies: [{Statement: [{Effect: Allow, Principal: '*', Action: 'a:b', Resource: '*'}]}]}}"),
			[]string{"/accounts/111122223333/users/u/policies/0/Statement/0/Principal"},
		},
		{
			"policies that IAM does not store", in("users: {u: {policies: [{Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}, " +
				"{Effect: Allow, Action: 's3:*', Resource: '*', Condition: {StringLike: {prefix: 'in/*'}}}]}]}}, " +
				"roles: {r: {policies: [{Statement: {Sid: 'two words', Effect: Allow, Action: 's3:*', Resource: '*'}}], " +
				"boundary: {Statement: [{Sid: a, Effect: Allow, Action: 's3:*', Resource: '*'}, {Sid: a, Effect: Deny, Action: 's3:*', Resource: '*'}]}}}"),
			[]string{
				"/accounts/111122223333/users/u/policies/0/Statement/1", "/accounts/111122223333/roles/r/policies/0/Statement/Sid",
				"/accounts/111122223333/roles/r/boundary/Statement/1/Sid",
			},
		},
		{
			"no principal in a trust", in("roles: {r: {trust: {Statement: [{Effect: Allow, Action: 'sts:AssumeRole'}]}}}"),
			[]string{"/accounts/111122223333/roles/r/trust/Statement/0"},
		},
		{
			"a bucket's policy without resource", in("buckets: {bbb: {region: eu-central-1, policy: {Statement: {Effect: Allow, Principal: '*', Action: 's3:GetObject'}}}}"),
			[]string{"/accounts/111122223333/buckets/bbb/policy/Statement"},
		},
		{
			"a bucket's policy that does not fit it", in("buckets: {bbb: {region: eu-central-1, policy: {Statement: [" +
				"{Effect: Allow, Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::bbb'}, {Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::bbb'}, " +
				"{Effect: Allow, Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::ccc'}, {Effect: Allow, Principal: '*', Action: 'kms:*', Resource: 'arn:aws:s3:::bbb'}]}}}"),
			[]string{
				"/accounts/111122223333/buckets/bbb/policy/Statement/1", "/accounts/111122223333/buckets/bbb/policy/Statement/2",
				"/accounts/111122223333/buckets/bbb/policy/Statement/3",
			},
		},
		{
			"a key's policy without resource", in("keys: {k: {region: eu-central-1, policy: {Statement: [{Effect: Allow, Principal: '*', Action: 'kms:*'}]}}}"),
			[]string{"/accounts/111122223333/keys/k/policy/Statement/0"},
		},
		{"an empty policy", in("scp: [null]"), []string{"/accounts/111122223333/scp/0"}},
		{"names that differ by case", in("users: {Ci: {}, ci: {}}"), []string{"/accounts/111122223333/users/ci"}},
		{"a name with a slash", in("roles: {a/b: {}}"), []string{"/accounts/111122223333/roles/a~1b"}},
		{"a bad path", in("roles: {r: {path: team}}"), []string{"/accounts/111122223333/roles/r/path"}},
		{"half an access key", in("users: {u: {access_key_id: AKIA1}}"), []string{"/accounts/111122223333/users/u/secret_access_key"}},
		{
			"one access key for two", in("users: {a: {access_key_id: AKIA1, secret_access_key: s}, b: {access_key_id: AKIA1, secret_access_key: s}}"),
			[]string{"/accounts/111122223333/users/b/access_key_id"},
		},
		{"a standing session without token", in("roles: {r: {access_key_id: ASIA1, secret_access_key: s}}"), []string{"/accounts/111122223333/roles/r/session_token"}},
		{"a bad session name", in("roles: {r: {session_name: 'a b'}}"), []string{"/accounts/111122223333/roles/r/session_name"}},
		{"the end of no session", in("roles: {r: {session_expired: true}}"), []string{"/accounts/111122223333/roles/r/session_expired"}},
		{"a long maximum", in("roles: {r: {max_session_duration: 43201}}"), []string{"/accounts/111122223333/roles/r/max_session_duration"}},
		{"no region", in("buckets: {bbb: {}}"), []string{"/accounts/111122223333/buckets/bbb/region"}},
		{"nothing of a bucket", in("buckets: {bbb: }"), []string{"/accounts/111122223333/buckets/bbb"}},
		{"nothing of a key", in("keys: {k: }"), []string{"/accounts/111122223333/keys/k"}},
		{"a bad key", in("keys: {'a b': {region: eu-central-1}}"), []string{"/accounts/111122223333/keys/a b"}},
		{"a bad bucket", in("buckets: {Bbb: {region: eu-central-1}}"), []string{"/accounts/111122223333/buckets/Bbb"}},
		{"a region of another partition", in("buckets: {bbb: {region: cn-north-1}}"), []string{"/accounts/111122223333/buckets/bbb/region"}},
		{
			"a bucket twice", "accounts: {'111122223333': {buckets: {bbb: {region: eu-central-1}}}, '222233334444': {buckets: {bbb: {region: eu-central-1}}}}",
			[]string{"/accounts/222233334444/buckets/bbb"},
		},
		{
			"unknown words", in("buckets: {bbb: {region: eu-central-1, ownership: Mine, encryption: {type: rot13}}}"),
			[]string{"/accounts/111122223333/buckets/bbb/ownership", "/accounts/111122223333/buckets/bbb/encryption/type"},
		},
		{"a missing key", in("buckets: {bbb: {region: eu-central-1, encryption: {type: 'aws:kms', key: k}}}"), []string{"/accounts/111122223333/buckets/bbb/encryption/key"}},
		{"a key without its type", in("buckets: {bbb: {region: eu-central-1, encryption: {key: k}}}"), []string{"/accounts/111122223333/buckets/bbb/encryption/key"}},
		{
			"a key elsewhere", in("keys: {k: {region: us-east-1}}, buckets: {bbb: {region: eu-central-1, encryption: {type: 'aws:kms', key: k}}}"),
			[]string{"/accounts/111122223333/buckets/bbb/encryption/key"},
		},
		{
			"a key's ARN that is none", in("buckets: {bbb: {region: eu-central-1, encryption: {type: 'aws:kms', key: 'arn:aws:s3:::b'}}}"),
			[]string{"/accounts/111122223333/buckets/bbb/encryption/key"},
		},
		{"a fault that does nothing", with("service: s3"), []string{"/faults/0"}},
		{"a fault of no service", with("service: ec2, error: x"), []string{"/faults/0/service"}},
		{"a bad code", with("error: 'a b'"), []string{"/faults/0/error"}},
		{"a bad status", with("error: x, status: 300"), []string{"/faults/0/status"}},
		{"a good status", with("operation: PutObject, error: x, status: 200"), []string{"/faults/0/status"}},
		{"a status of no error", with("operation: CopyObject, delay: 1s, status: 200"), []string{"/faults/0/status"}},
		{"a bad rate", with("error: x, rate: 1.5"), []string{"/faults/0/rate"}},
		{"a bad delay", with("delay: soon"), []string{"/faults/0/delay"}},
		{"a number as delay", with("delay: 3"), []string{"/faults/0/delay"}},
		{"a negative cut", with("cut_request_after: -1"), []string{"/faults/0/cut_request_after"}},
		{"negative counts", with("error: x, times: -1"), []string{"/faults/0"}},
		{"lifetime elsewhere", with("service: s3, lifetime: 1s"), []string{"/faults/0/lifetime"}},
		{"a negative lifetime", with("service: sts, lifetime: -1s"), []string{"/faults/0/lifetime"}},
		{"a long way off", in("") + "\nclock_skew: -25h", []string{"/clock_skew"}},
		{"a state that keys have not", in("keys: {k: {region: eu-central-1, state: disabled}}"), []string{"/accounts/111122223333/keys/k/state"}},
		{"a class that objects have not", in("buckets: {bbb: {region: eu-central-1, storage_class: COLD}}"), []string{"/accounts/111122223333/buckets/bbb/storage_class"}},
		{"expiry elsewhere", with("service: s3, expire_after: 1s"), []string{"/faults/0/expire_after"}},
		{"a bucket elsewhere", with("service: sts, bucket: b, error: x"), []string{"/faults/0/bucket"}},
		{"a key given twice", "seed: 1\nseed: 2", []string{"/seed"}},
		{"no YAML", "a: [", []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseConfig([]byte(c.in), t.TempDir())
			var got []string
			for _, e := range rolecall.List(err) {
				if e.Code != rolecall.Invalid || e.Message == "" {
					t.Errorf("bad error %+v", e)
				}
				got = append(got, e.Pointer)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "media/in"), 0o700),
		os.WriteFile(filepath.Join(dir, "media/in/a.mov"), []byte("film"), 0o600),
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "media/link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "sandbox.yaml")
	write := func(objects string) {
		text := "accounts: {'111122223333': {buckets: {acme-masters: {region: eu-central-1, objects: " + objects + "}}}}"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("./media")
	cfg, err := LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, cfg, Options{})
	if got := w.Objects("acme-masters"); len(got) != 1 || got[0].Key != "in/a.mov" {
		t.Errorf("got %+v", got)
	}
	write("./none")
	if cfg, err = LoadConfig(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), cfg, Options{Dir: t.TempDir()}); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("a missing directory gives %v", err)
	}
	if _, err := LoadConfig(filepath.Join(dir, "none.yaml")); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := Start(t.Context(), &Config{}, Options{}); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("an empty config gives %v", err)
	}
}

func TestBuiltinPoliciesParse(t *testing.T) {
	t.Parallel()
	a := &account{id: "111122223333", partition: "aws-cn"}
	if builtin(fullAWSAccess) == nil || a.keyPolicy(&Key{}) == nil || a.managedKeyPolicy("cn-north-1") == nil {
		t.Error("a built-in policy does not parse")
	}
	if builtin("{") != nil {
		t.Error("a broken policy is not nil")
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("accounts: {'111122223333': {users: {u: }, roles: {r: }, buckets: {b: }, keys: {k: }}}"))
	f.Add([]byte("faults: [{error: x, rate: 1e999}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := ParseConfig(data, "")
		if err != nil {
			if rolecall.CodeOf(err) != rolecall.Invalid {
				t.Fatalf("an error that is not the user's: %v", err)
			}
			return
		}
		if err := cfg.validate(); err != nil {
			t.Fatalf("valid only once: %v", err)
		}
		newDirectory(cfg, time.Now).s3Buckets()
	})
}
