package credential_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func TestDispenserIsProvedThenAsked(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]credential.DispenserRequest{"signed": vend(), "bearer": byBearer()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, vends("222233334444"))
			c, err := b.Dispenser(request).Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(c.AccessKeyID, "ASIA222233334444") || c.SecretAccessKey != "planted-secret" || c.SessionToken != "planted-session" ||
				c.AccountID != "222233334444" || !c.Expires.Equal(epoch.Add(time.Hour)) || !c.CanExpire {
				t.Errorf("not what was given: %+v", c)
			}
			if d.count() != provedWith+1 || len(d.work()) != 1 || d.dialed[0] != "vend.example.com:443" {
				t.Errorf("%d requests, %d of them for work, to %v", d.count(), len(d.work()), d.dialed[:1])
			}
			want := url.Values{
				"organization": {"acme"}, "external_id": {externalID}, "job_id": {"01JOB"}, "task_id": {"0"}, "tool": {"storage:get"},
				"bucket": {"masters"}, "prefix": {"in/a b&c/"}, "access": {"read"},
			}
			last := d.work()[0]
			if diff := cmp.Diff(want, last.URL.Query()); diff != "" || last.Method != http.MethodGet || last.URL.Path != "/keys" || last.Host != "vend.example.com" {
				t.Errorf("%s %s: %s", last.Method, last.URL, diff)
			}
			if last.Header.Get("Accept") != "application/json" || last.Header.Get("User-Agent") != "rolecall/task-0" {
				t.Errorf("%v", last.Header)
			}
			if name == "bearer" && last.Header.Get("Authorization") != "Bearer "+bearerToken {
				t.Errorf("%v", last.Header)
			}
			for _, r := range d.asked[:provedWith] {
				q := r.URL.Query()
				q["external_id"] = want["external_id"]
				if diff := cmp.Diff(want, q); diff != "" || r.Header.Get("User-Agent") != last.Header.Get("User-Agent") {
					t.Errorf("a probe that differs: %s %v", diff, r.Header)
				}
			}
			if got := b.events.of(credential.EventDispense); len(got) != 1 || got[0].RoleARN != dispenserURL || got[0].AccessKeyID != c.AccessKeyID {
				t.Errorf("%+v", got)
			}
		})
	}
}

// The signature is API Gateway's, the proof of identity anybody's.
func TestDispenserRequestIsSigned(t *testing.T) {
	t.Parallel()
	for host, region := range map[string]string{
		"vend.example.com": "eu-west-3", "a1b2.execute-api.eu-north-1.amazonaws.com": "eu-north-1", "a1b2.execute-api.cn-north-1.amazonaws.com.cn": "cn-north-1",
		"a1b2.execute-api.example.amazonaws.com": "eu-west-3",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, vends("222233334444"))
			r := vend()
			r.Source.URL, r.Region = "https://"+host+"/prod", "eu-west-3"
			if _, err := b.Dispenser(r).Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			last := d.work()[0]
			if got := last.Header.Get("Authorization"); !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKIAWORKER/20261101/"+region+"/execute-api/aws4_request, SignedHeaders=") ||
				!strings.Contains(got, "host;x-amz-date;x-rolecall-identity") {
				t.Errorf("signed as %s", got)
			}
			text, err := base64.RawURLEncoding.DecodeString(last.Header.Get(credential.IdentityHeader))
			if err != nil {
				t.Fatal(err)
			}
			proof, err := url.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			q := proof.Query()
			signature := q.Get("X-Amz-Signature")
			q.Del("X-Amz-Signature")
			want := url.Values{
				"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Date": {"20261101T120000Z"},
				"X-Amz-Credential": {"AKIAWORKER/20261101/eu-west-3/sts/aws4_request"}, "X-Amz-Expires": {"60"}, "X-Amz-SignedHeaders": {"host;x-rolecall-request"},
			}
			if diff := cmp.Diff(want, q); diff != "" || len(signature) != 64 || proof.Path != "/" || "http://"+proof.Host != b.sts.server.URL {
				t.Errorf("proof at %s%s: %s", proof.Host, proof.Path, diff)
			}
			if last.Header.Get(credential.DigestHeader) != "" {
				t.Error("the digest is sent, though the dispenser computes it")
			}
		})
	}
}

// Whoever has the proof learns from STS whose it is, with this request's
// digest and no other's.
func TestProofOfIdentityOnTheSandbox(t *testing.T) {
	t.Parallel()
	d := newFakeDispenser(t, vends("111122223333"))
	b, server := sandboxed(t, trustPolicy(allow(``, ``)), func(o *credential.Options) {
		o.Tenants = d.client
		p := principal(t, rolecall.DispenserPrincipal, workerARN)
		p.Credentials = aws.CredentialsProviderFunc(workerKeys)
		o.Principals[rolecall.DispenserPrincipal] = p
	})
	d.setRule(func(url.Values) (int, string) { return http.StatusOK, dispensed("ASIA1111222233331", 1e6*time.Hour) })
	_, err := b.ProveDispenser(t.Context(), vend())
	if rolecall.CodeOf(err) != rolecall.Unauthenticated || !strings.Contains(err.Error(), "does not accept the credentials that the dispenser gave") {
		t.Errorf("made-up keys: %v", err)
	}
	asked := d.asked[0]
	text, err := base64.RawURLEncoding.DecodeString(asked.Header.Get(credential.IdentityHeader))
	if err != nil {
		t.Fatal(err)
	}
	identify := func(url string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(credential.DigestHeader, credential.RequestDigest(url))
		response, err := server.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if status, body := identify(dispenserURL + "?" + asked.URL.RawQuery); status != http.StatusOK || !strings.Contains(body, "assumed-role/VTKWorker/") {
		t.Errorf("%d %s", status, body)
	}
	for _, other := range []string{"https://vend.example.org/keys?" + asked.URL.RawQuery, dispenserURL + "?" + asked.URL.RawQuery + "&x=", dispenserURL} {
		if status, _ := identify(other); status != http.StatusForbidden {
			t.Errorf("the proof counts for %s: %d", other, status)
		}
	}
}

func TestPrincipalOfDispensersAssumesNoRole(t *testing.T) {
	t.Parallel()
	b, _ := dispenserBench(t, vends("222233334444"))
	r := acme()
	r.Principal = rolecall.DispenserPrincipal
	if _, err := b.Role(r).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Invalid || len(b.sts.seen()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestRefusedBeforeTheDispenserIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*credential.DispenserRequest)
		code   rolecall.Code
	}{
		"plain http":       {func(r *credential.DispenserRequest) { r.Source.URL = "http://vend.example.com/" }, rolecall.Invalid},
		"other port":       {func(r *credential.DispenserRequest) { r.Source.URL = "https://vend.example.com:8443/" }, rolecall.Invalid},
		"no external id":   {func(r *credential.DispenserRequest) { r.ExternalID = "" }, rolecall.Invalid},
		"unknown secret":   {func(r *credential.DispenserRequest) { r.Source.Secret = "token" }, rolecall.Invalid},
		"key as secret":    {func(r *credential.DispenserRequest) { *r = byBearer(); r.Secret.Type = rolecall.SecretAWSAccessKey }, rolecall.Invalid},
		"unbound secret":   {func(r *credential.DispenserRequest) { *r = byBearer(); r.Secret.Host = "" }, rolecall.Forbidden},
		"secret elsewhere": {func(r *credential.DispenserRequest) { *r = byBearer(); r.Secret.Host = "example.com" }, rolecall.Forbidden},
		"no access":        {func(r *credential.DispenserRequest) { r.Access = "" }, rolecall.Internal},
		"no principal":     {func(r *credential.DispenserRequest) { r.Principal = "nobody" }, rolecall.Invalid},
		"another's secret": {func(r *credential.DispenserRequest) { *r = byBearer(); r.Organization = "globex" }, rolecall.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, vends("222233334444"))
			r := vend()
			c.change(&r)
			if _, err := b.Dispenser(r).Retrieve(t.Context()); rolecall.CodeOf(err) != c.code || d.count() != 0 {
				t.Errorf("%v after %d requests", err, d.count())
			}
		})
	}
}

func TestDispensedAreKeptForOneTask(t *testing.T) {
	t.Parallel()
	b, d := dispenserBench(t, vends("222233334444"))
	take := func(r credential.DispenserRequest) aws.Credentials {
		t.Helper()
		c, err := b.Dispenser(r).Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := take(vend())
	if again := take(vend()); again.AccessKeyID != first.AccessKeyID {
		t.Error("asked twice for one task")
	}
	for name, change := range map[string]func(*credential.DispenserRequest){
		"job":    func(r *credential.DispenserRequest) { r.JobID = "02JOB" },
		"task":   func(r *credential.DispenserRequest) { r.TaskID = "1" },
		"tool":   func(r *credential.DispenserRequest) { r.Tool = "storage:put" },
		"bucket": func(r *credential.DispenserRequest) { r.Bucket = "other" },
		"prefix": func(r *credential.DispenserRequest) { r.Prefix = "in/" },
		"access": func(r *credential.DispenserRequest) { r.Access = credential.AccessWrite },
		"way":    func(r *credential.DispenserRequest) { *r = byBearer() },
	} {
		r := vend()
		change(&r)
		if other := take(r); other.AccessKeyID == first.AccessKeyID {
			t.Errorf("another %s has the same credential", name)
		}
	}
	rotated := byBearer()
	rotated.Secret.Version = "2"
	if take(rotated).AccessKeyID == take(byBearer()).AccessKeyID {
		t.Error("the secret's new version has the old one's credential")
	}
	provider, before := b.Dispenser(vend()), len(d.work())
	provider.Invalidate(first)
	if second, err := provider.Retrieve(t.Context()); err != nil || second.AccessKeyID == first.AccessKeyID || len(d.work()) != before+1 {
		t.Errorf("after Invalidate: %v", err)
	}
}

// A credential is renewed ahead of its end while the old one is in use.
func TestDispensedAreRenewed(t *testing.T) {
	t.Parallel()
	var b *bench
	b, d := dispenserBench(t, vends("222233334444"))
	d.setRule(func(q url.Values) (int, string) {
		status, _ := vends("222233334444")(q)
		if status != http.StatusOK {
			return status, ""
		}
		return status, dispensed(fmt.Sprintf("ASIA222233334444%d", b.clock.Now().Unix()), b.clock.Now().Sub(epoch)+time.Minute)
	})
	provider := b.Dispenser(vend())
	first, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(55 * time.Second)
	if c, err := provider.Retrieve(t.Context()); err != nil || c.AccessKeyID != first.AccessKeyID {
		t.Errorf("while it is renewed: %v", err)
	}
	provider.Idle()
	if c, err := provider.Retrieve(t.Context()); err != nil || c.AccessKeyID == first.AccessKeyID {
		t.Errorf("after it was renewed: %v", err)
	}
}

func TestBearerIsNotShown(t *testing.T) {
	t.Parallel()
	b := credential.Bearer{Token: bearerToken}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "b", b)
	text, _ := b.MarshalText()
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", b, b, b, b, b, b), b.String(), b.GoString(), log.String(), string(text)} {
		if strings.Contains(s, "planted") || strings.Contains(s, "706c616e746564") {
			t.Errorf("shown: %s", s)
		}
	}
	for token, ok := range map[string]bool{bearerToken: true, "": false, "a b": false, "a\nb": false, "ü": false, strings.Repeat("a", 8193): false} {
		if err := (credential.Bearer{Token: token}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", token, err)
		}
	}
}
