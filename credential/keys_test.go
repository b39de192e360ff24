package credential_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	keys := credential.Keys{AccessKeyID: "AKIAHIDDEN", SecretAccessKey: "HIDDEN", SessionToken: "HIDDEN"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", keys)
		fmt.Fprintf(&out, verb+"\n", &keys)
		fmt.Fprintf(&out, verb+"\n", struct{ K credential.Keys }{keys})
		fmt.Fprintf(&out, verb+"\n", []any{keys})
	}
	fmt.Fprintln(&out, keys, keys.String(), keys.GoString(), fmt.Errorf("with %v", keys))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("keys", "keys", keys, "in", struct{ K credential.Keys }{keys})
	}
	for _, v := range []any{keys, &keys, map[string]any{"k": keys}, []credential.Keys{keys}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	if text := out.String(); strings.Contains(text, "HIDDEN") || strings.Contains(text, "48494444454e") || !strings.Contains(text, "[redacted]") {
		t.Error(text)
	}
}

func TestReadKeys(t *testing.T) {
	t.Parallel()
	want := credential.Keys{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "c"}
	for _, good := range []string{
		`{"access_key_id":"a","secret_access_key":"b","session_token":"c"}`,
		`{"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c","Version":1}`,
		`{"AccessKey":{"UserName":"u","AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c"}}`,
		`{"Credentials":{"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c","Expiration":"x"},"AssumedRoleUser":{}}`,
	} {
		if k, err := credential.ReadKeys([]byte(good)); err != nil || k != want {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{``, `{}`, `{"access_key_id":"a"}`, `"HIDDEN"`, `{"access_key_id":"a","secret_access_key":["HIDDEN"]}`} {
		if _, err := credential.ReadKeys([]byte(bad)); rolecall.CodeOf(err) != rolecall.Invalid || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzReadKeys(f *testing.F) {
	f.Add([]byte(`{"access_key_id":"a","secret_access_key":"b","session_token":"c"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := credential.ReadKeys(data); err == nil && (k.AccessKeyID == "" || k.SecretAccessKey == "") {
			t.Error("keys without keys")
		}
	})
}

func TestSecret(t *testing.T) {
	t.Parallel()
	reads := 0
	b := newBench(t, strict, func(o *credential.Options) {
		o.Secrets = func(_ context.Context, organization, name string) (credential.Keys, error) {
			reads++
			if organization != "acme" || name == "gone" {
				return credential.Keys{}, &rolecall.Error{Code: rolecall.NotFound, Message: "no such secret"}
			}
			return credential.Keys{AccessKeyID: "AKIA" + name, SecretAccessKey: "s"}, nil
		}
	})
	bound := rolecall.Secret{Name: "keys", Type: rolecall.SecretAWSAccessKey, Version: "1", Bucket: "acme-masters"}
	request := credential.SecretRequest{Organization: "acme", Secret: bound, Bucket: "acme-masters"}
	for range 3 {
		c, err := b.Secret(request).Retrieve(t.Context())
		if err != nil || c.AccessKeyID != "AKIAkeys" || c.CanExpire {
			t.Fatalf("%s, %v", c.AccessKeyID, err)
		}
	}
	if reads != 1 {
		t.Errorf("read %d times", reads)
	}
	request.Secret.Version = "2"
	if _, err := b.Secret(request).Retrieve(t.Context()); err != nil || reads != 2 {
		t.Errorf("a new version: %v, read %d times", err, reads)
	}
	for name, c := range map[string]struct {
		change func(*credential.SecretRequest)
		code   rolecall.Code
	}{
		"other bucket":  {func(r *credential.SecretRequest) { r.Bucket = "globex" }, rolecall.Forbidden},
		"text":          {func(r *credential.SecretRequest) { r.Secret.Type = rolecall.SecretText }, rolecall.Invalid},
		"gone":          {func(r *credential.SecretRequest) { r.Secret.Name = "gone" }, rolecall.NotFound},
		"another's org": {func(r *credential.SecretRequest) { r.Organization = "globex" }, rolecall.NotFound},
	} {
		r := request
		c.change(&r)
		if _, err := b.Secret(r).Retrieve(t.Context()); rolecall.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.sts.seen()) != 0 {
		t.Error("a secret asks STS")
	}
	var none *rolecall.Error
	if _, err := newBench(t, strict).Secret(request).Retrieve(t.Context()); !errors.As(err, &none) {
		t.Errorf("without secrets: %v", err)
	}
}

func TestSessionName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ organization, job, want string }{
		{"acme", "01JOB", "acme.01JOB"},
		{"acme", "", "acme."},
		{"acme", "a/b c*é", "acme.a-b-c--"},
		{strings.Repeat("o", 63), strings.Repeat("j", 63), strings.Repeat("o", 21) + "-5644a173." + strings.Repeat("j", 24) + "-4259d01d"},
	} {
		if got := (credential.Role{Organization: c.organization, JobID: c.job}).SessionName(); got != c.want {
			t.Errorf("%s", got)
		}
	}
}
