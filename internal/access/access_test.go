package access

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/policy"
)

const key = "arn:aws:kms:eu-central-1:222233334444:key/k"

func under(kind, key string) *rolecall.Encryption { return &rolecall.Encryption{Type: kind, Key: key} }

// This is the complete rule for KMS keys.
func TestKMSKey(t *testing.T) {
	t.Parallel()
	reads, writes := []policy.Operation{policy.Read, policy.List}, []policy.Operation{policy.Write, policy.Read}
	for name, c := range map[string]struct {
		operations []policy.Operation
		encryption *rolecall.Encryption
		unasked    bool
		want       string
	}{
		"reads":                               {reads, nil, false, policy.AnyKey},
		"reads where a key is named":          {reads, under("aws:kms", key), false, policy.AnyKey},
		"reads under AES256":                  {reads, under("AES256", ""), false, policy.AnyKey},
		"reads versions":                      {[]policy.Operation{policy.ReadVersion}, nil, false, policy.AnyKey},
		"writes":                              {writes, nil, false, policy.AnyKey},
		"writes under a key":                  {writes, under("aws:kms", key), false, key},
		"writes under the default key":        {writes, under("aws:kms", ""), false, policy.AnyKey},
		"writes under AES256":                 {writes, under("AES256", ""), false, ""},
		"a tool writes":                       {writes, nil, true, policy.AnyKey},
		"a tool writes under a key":           {writes, under("aws:kms", key), true, key},
		"a tool does not ask for AES256":      {writes, under("AES256", ""), true, policy.AnyKey},
		"lists":                               {[]policy.Operation{policy.List}, nil, false, ""},
		"tags":                                {[]policy.Operation{policy.Tag, policy.List}, under("aws:kms", key), false, ""},
		"deletes":                             {[]policy.Operation{policy.Delete}, under("aws:kms", key), false, ""},
		"looks for uploads that were left":    {[]policy.Operation{policy.Sweep}, nil, false, ""},
		"reads tags, which are not encrypted": {[]policy.Operation{policy.ReadTags}, nil, false, ""},
	} {
		r := Request{Place: rolecall.Place{Bucket: "b", Encryption: c.encryption}, Operations: c.operations, DefaultEncryption: c.unasked}
		if got := r.Scope().KMSKey; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	r := Request{
		Principal: rolecall.Principal{ARN: rolecall.ARN{Partition: "aws"}}, Place: rolecall.Place{Bucket: "b", Region: "eu-central-1", Key: "out/", ACL: "private"},
		Operations: []policy.Operation{policy.Write, policy.Read},
	}
	want := policy.Scope{
		Partition: "aws", Region: "eu-central-1", Bucket: "b", Prefixes: []string{"out/"}, KMSKey: policy.AnyKey,
		Operations: []policy.Operation{policy.Write, policy.Read, policy.ACL},
	}
	if diff := cmp.Diff(want, r.Scope()); diff != "" {
		t.Errorf("a prefix (-want +got):\n%s", diff)
	}
	r.Operations = append(r.Operations, policy.ACL)
	if diff := cmp.Diff(want, r.Scope()); diff != "" {
		t.Errorf("an ACL that is asked for already (-want +got):\n%s", diff)
	}
	r.Place.Key, r.Operations = "out/a.mov", []policy.Operation{policy.Read}
	want.Prefixes, want.Objects, want.Operations = nil, []string{"out/a.mov"}, r.Operations
	if diff := cmp.Diff(want, r.Scope()); diff != "" {
		t.Errorf("an object, only read (-want +got):\n%s", diff)
	}
}

// Optional operations are left out, the last first, until the policy fits. The
// required ones never are.
func TestSessionPolicyFits(t *testing.T) {
	t.Parallel()
	r := Request{
		Principal: rolecall.Principal{ARN: rolecall.ARN{Partition: "aws"}}, Place: rolecall.Place{Bucket: "b", Region: "eu-central-1", Key: "in/"},
		Operations: []policy.Operation{policy.Write, policy.Read}, Optional: []policy.Operation{policy.List, policy.Sweep},
	}
	for length := 1; ; length += 20 {
		r.Place.Key = strings.Repeat("x", length) + "/"
		needed := r
		needed.Optional = nil
		want, mustFail := needed.SessionPolicy()
		got, err := r.SessionPolicy()
		if (err == nil) != (mustFail == nil) {
			t.Fatalf("%d characters: %v, without optional operations %v", length, err, mustFail)
		}
		if err != nil {
			if rolecall.CodeOf(err) != rolecall.Invalid {
				t.Error(err)
			}
			if length == 1 {
				t.Error("nothing fits")
			}
			return
		}
		lists, sweeps := strings.Contains(string(got), "s3:ListBucket\""), strings.Contains(string(got), "s3:ListBucketMultipartUploads")
		switch {
		case sweeps && !lists:
			t.Fatalf("%d characters: the first went before the last", length)
		case length == 1 && !sweeps:
			t.Error("there was room for all")
		case !lists && string(got) != string(want):
			t.Fatalf("%d characters: %s, want %s", length, got, want)
		}
	}
}

// A session reaches the named objects and no others where its policy has room for
// them, else the narrowest directory that it has room for, up to the outer one. It
// never is an error where the outer one is none.
func TestSessionPolicyIsTheNarrowestThatFits(t *testing.T) {
	t.Parallel()
	outer := "in/"
	long := strings.Repeat("視", 30) + "/"
	for name, c := range map[string]struct {
		key     string
		objects []string
		want    string // resource of the objects, after the bucket
	}{
		"one object":             {"in/", []string{"in/a.mov"}, "in/a.mov"},
		"two objects":            {"in/sub/", []string{"in/sub/a.mov", "in/sub/b.mov"}, "in/sub/a.mov"},
		"objects with wildcards": {"in/", []string{"in/a*.mov"}, "in/a${*}.mov"},
		"many objects":           {"in/sub/", slices.Repeat([]string{"in/sub/" + strings.Repeat("k", 100)}, 30), "in/sub/*"},
		"more than are tried":    {"in/sub/", slices.Repeat([]string{"in/sub/a"}, 1000), "in/sub/*"},
		"patterns":               {"in/sub/", nil, "in/sub/*"},
		"a long object":          {"in/sub/", []string{"in/sub/" + strings.Repeat("視", 250)}, "in/sub/*"},
		"a long directory":       {"in/" + long + long, []string{"in/" + long + long + "x"}, "in/" + long + "*"},
		"a longer directory":     {"in/" + strings.Repeat("視", 200) + "/", nil, "in/*"},
	} {
		r := Request{
			Principal:  rolecall.Principal{ARN: rolecall.ARN{Partition: "aws"}},
			Place:      rolecall.Place{Bucket: "b", Region: "eu-central-1", Key: c.key},
			Operations: []policy.Operation{policy.Read, policy.List}, Objects: c.objects, Outer: &outer,
		}
		text, err := r.SessionPolicy()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(text), `"arn:aws:s3:::b/`+strings.ReplaceAll(c.want, "視", `\u8996`)+`"`) {
			t.Errorf("%s: %s", name, text)
		}
		if c.want != "in/*" && strings.Contains(string(text), `"arn:aws:s3:::b/in/*"`) {
			t.Errorf("%s reaches more: %s", name, text)
		}
	}
}

// A dispenser is sent what the credentials are for.
func TestDispenserIsToldTheAccess(t *testing.T) {
	t.Parallel()
	place := rolecall.Place{Bucket: "b", Key: "in/", Dispenser: &rolecall.HTTPCredentialSource{URL: "https://x.example/"}}
	for _, c := range []struct {
		operation policy.Operation
		want      string
	}{{policy.Read, credential.AccessRead}, {policy.List, credential.AccessRead}, {policy.Write, credential.AccessWrite}, {policy.Tag, credential.AccessWrite}} {
		if got := (Request{Place: place, Operations: []policy.Operation{c.operation}}).Dispenser().Access; got != c.want {
			t.Errorf("%s: %s", c.operation, got)
		}
	}
}

// A tenant's endpoint is reached by the guarded client, the operator's by its
// own.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	clients := guard.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	t.Cleanup(clients.Close)
	a := Access{Clients: clients, S3Endpoint: "https://s3.example.com"}
	if url, client := a.Endpoint(rolecall.Place{}); url != a.S3Endpoint || client != clients.Operator {
		t.Errorf("the operator's: %s", url)
	}
	for _, url := range []string{"https://minio.example.net", "http://127.0.0.1:9000"} {
		if got, client := a.Endpoint(rolecall.Place{EndpointURL: url}); got != url || client != clients.Tenant(url) || client == clients.Operator {
			t.Errorf("a tenant's: %s", got)
		}
	}
}
