package credential_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

const (
	dispenserURL = "https://vend.example.com/keys"
	dispenserARN = "arn:aws:iam::873682911326:role/Dispenser"
	bearerToken  = "planted-token"
)

// fakeDispenser answers over TLS as its rule says and remembers each request.
type fakeDispenser struct {
	server    *httptest.Server
	transport *http.Transport // reaches the server at whatever host and port
	mu        sync.Mutex
	rule      func(url.Values) (status int, body string)
	asked     []*http.Request
	dialed    []string
}

func newFakeDispenser(t testing.TB, rule func(url.Values) (int, string)) *fakeDispenser {
	t.Helper()
	d := &fakeDispenser{rule: rule}
	d.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.asked = append(d.asked, r)
		rule := d.rule
		d.mu.Unlock()
		status, body := rule(r.URL.Query())
		if status >= 300 && status < 400 {
			w.Header().Set("Location", dispenserURL+"/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	d.transport = d.server.Client().Transport.(*http.Transport).Clone()
	d.transport.TLSClientConfig.ServerName = "example.com"
	d.transport.MaxIdleConnsPerHost = 16
	d.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		d.mu.Lock()
		d.dialed = append(d.dialed, address)
		d.mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, d.server.Listener.Addr().String())
	}
	t.Cleanup(func() {
		d.transport.CloseIdleConnections()
		d.server.Close()
	})
	return d
}

func (d *fakeDispenser) client(string) *http.Client { return &http.Client{Transport: d.transport} }

func (d *fakeDispenser) setRule(rule func(url.Values) (int, string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule = rule
}

// work gives the requests that were not probes.
func (d *fakeDispenser) work() []*http.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*http.Request
	for _, r := range d.asked {
		if r.URL.Query().Get("tool") != credential.ProbeTool {
			out = append(out, r)
		}
	}
	return out
}

func (d *fakeDispenser) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

// vends is a dispenser that asks for the right external id and gives keys of
// the account, which the fake STS knows by the key.
func vends(account string) func(url.Values) (int, string) {
	n := 0
	var mu sync.Mutex
	return func(q url.Values) (int, string) {
		if q.Get("external_id") != externalID || q.Get("organization") != "acme" {
			return http.StatusForbidden, "planted body"
		}
		mu.Lock()
		defer mu.Unlock()
		n++
		return http.StatusOK, dispensed(fmt.Sprintf("ASIA%s%d", account, n), time.Hour)
	}
}

func dispensed(id string, life time.Duration) string {
	return fmt.Sprintf(`{"AccessKeyId":%q,"SecretAccessKey":"planted-secret","SessionToken":"planted-session","Expiration":%q,"Version":1}`,
		id, epoch.Add(life).Format(time.RFC3339))
}

// dispenserBench is a vault that asks the fake dispenser.
func dispenserBench(t testing.TB, rule func(url.Values) (int, string), change ...func(*credential.Options)) (*bench, *fakeDispenser) {
	t.Helper()
	d := newFakeDispenser(t, rule)
	b := newBench(t, strict, append([]func(*credential.Options){func(o *credential.Options) {
		o.Tenants = d.client
		o.Principals[rolecall.DispenserPrincipal] = principal(t, rolecall.DispenserPrincipal, dispenserARN)
		o.Bearers = func(_ context.Context, org, name string) (credential.Bearer, error) {
			if org != "acme" || name != "token" {
				return credential.Bearer{}, errors.New("no such secret")
			}
			return credential.Bearer{Token: bearerToken}, nil
		}
	}}, change...)...)
	b.sts.caller = func(key string) string {
		if account, ok := strings.CutPrefix(key, "ASIA"); ok {
			return "arn:aws:sts::" + account[:12] + ":assumed-role/vended/acme.01JOB"
		}
		return "arn:aws:sts::873682911326:assumed-role/Dispenser/i-0worker"
	}
	return b, d
}

func vend() credential.DispenserRequest {
	return credential.DispenserRequest{
		Organization: "acme", Principal: "production", Source: rolecall.HTTPCredentialSource{URL: dispenserURL}, ExternalID: externalID,
		JobID: "01JOB", TaskID: "0", TaskLabel: "task-0", Tool: "storage:get", Bucket: "masters", Prefix: "in/a b&c/", Access: credential.AccessRead,
	}
}

func byBearer() credential.DispenserRequest {
	r := vend()
	r.Source.Secret = "token"
	r.Secret = rolecall.Secret{Name: "token", Type: rolecall.SecretText, Version: "1", Host: "vend.example.com"}
	return r
}

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
				q.Del("external_id")
				if q.Get("tool") != credential.ProbeTool || q.Get("access") != "read" || q.Get("prefix") != "in/a b&c/" || len(q) != 7 {
					t.Errorf("a probe that differs: %v", q)
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

func TestUnsafeDispensers(t *testing.T) {
	t.Parallel()
	right := func(q url.Values) (int, string) { return vends("222233334444")(q) }
	for name, c := range map[string]struct {
		accept func(id string, given bool) bool
		other  int // status of what is not accepted
		code   rolecall.Code
		says   string
	}{
		"exact":           {func(id string, _ bool) bool { return id == externalID }, 403, "", ""},
		"unauthenticated": {func(id string, _ bool) bool { return id == externalID }, 401, "", ""},
		"all":             {func(string, bool) bool { return true }, 403, rolecall.Forbidden, "without an external id"},
		"absent":          {func(id string, given bool) bool { return !given || id == externalID }, 403, rolecall.Forbidden, "failed probes: absent"},
		"any":             {func(_ string, given bool) bool { return given }, 403, rolecall.Forbidden, "not the organization's"},
		"ignores case":    {func(id string, _ bool) bool { return strings.EqualFold(id, externalID) }, 403, rolecall.Forbidden, "near-case"},
		"prefix":          {func(id string, _ bool) bool { return strings.HasPrefix(id, "Acme") }, 403, rolecall.Forbidden, "near-"},
		"not found":       {func(id string, _ bool) bool { return id == externalID }, 404, rolecall.NotFound, "could not be proved safe"},
		"bad request":     {func(id string, _ bool) bool { return id == externalID }, 400, rolecall.Invalid, "could not be proved safe"},
		"failing":         {func(id string, _ bool) bool { return id == externalID }, 500, rolecall.Unavailable, "could not be proved safe"},
		"says nothing":    {func(id string, _ bool) bool { return id == externalID }, 200, rolecall.Invalid, "could not be proved safe"},
		"refuses all":     {func(string, bool) bool { return false }, 403, rolecall.Forbidden, "refuses (403)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, func(q url.Values) (int, string) {
				if !c.accept(q.Get("external_id"), q.Has("external_id")) {
					return c.other, "planted body"
				}
				q.Set("external_id", externalID)
				return right(q)
			})
			verdict, err := b.ProveDispenser(t.Context(), vend())
			if rolecall.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if verdict.Passed != (c.code == "") || verdict.Passed && verdict.RoleID != "222233334444" || len(verdict.Probes) == 0 {
				t.Errorf("%+v", verdict)
			}
			if d.count() > provedWith {
				t.Errorf("%d requests", d.count())
			}
			if kept, err := b.ClaimDispenser(t.Context(), vend()); err != nil || kept.Passed != verdict.Passed {
				t.Errorf("kept %+v, %v", kept, err)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%+v", rolecall.List(err)[0]), externalID) {
				t.Errorf("the error shows the external id: %v", err)
			}
		})
	}
}

func TestDispenserOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	b, d := dispenserBench(t, vends("222233334444"))
	if _, err := b.ProveDispenser(t.Context(), vend()); err != nil {
		t.Fatal(err)
	}
	before := d.count()
	for _, spelling := range []string{dispenserURL, "HTTPS://VEND.example.com:443/keys"} {
		thief := vend()
		thief.Organization, thief.ExternalID, thief.Source.URL = "globex", "Globex-1", spelling
		_, err := b.Dispenser(thief).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Forbidden || !strings.Contains(err.Error(), "not usable") || strings.Contains(err.Error(), "acme") {
			t.Errorf("%v", err)
		}
	}
	if d.count() != before {
		t.Error("another's dispenser was asked")
	}
	if err := b.ReleaseDispenser(t.Context(), vend()); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.ClaimDispenser(t.Context(), vend()); err != nil || kept.Passed {
		t.Errorf("after release: %+v, %v", kept, err)
	}
}

// One who is no dispenser is asked once, not sixteen times.
func TestNoDispenserIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 404, 429, 500} {
		b, d := dispenserBench(t, func(url.Values) (int, string) { return status, "hello" })
		if verdict, err := b.ProveDispenser(t.Context(), byBearer()); err == nil || d.count() != 1 || verdict.Probes[0].Outcome != credential.Unknown {
			t.Errorf("%d: %v after %d requests", status, err, d.count())
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

// The pin holds: what was given before is dropped, work with it ends, and the
// other account is refused again and again, by a proof as well.
func TestDispenserOfAnotherAccount(t *testing.T) {
	t.Parallel()
	b, d := dispenserBench(t, vends("222233334444"))
	provider := b.Dispenser(vend())
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, release := b.Hold(t.Context(), provider)
	defer release()
	d.setRule(vends("333344445555"))
	other := vend()
	other.TaskID = "1"
	for range 2 {
		if _, err := b.Dispenser(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrDrift) || !strings.Contains(err.Error(), "333344445555") {
			t.Errorf("another account: %v", err)
		}
	}
	<-held.Done()
	if cause := context.Cause(held); !errors.Is(cause, credential.ErrClaimEnded) || rolecall.CodeOf(cause) != rolecall.Forbidden {
		t.Errorf("work ended with %v", cause)
	}
	if _, err := provider.Retrieve(t.Context()); !errors.Is(err, credential.ErrDrift) {
		t.Errorf("the old credential: %v", err)
	}
	if _, err := b.ProveDispenser(t.Context(), vend()); !errors.Is(err, credential.ErrDrift) {
		t.Errorf("a new proof: %v", err)
	}
	if got := b.events.of(credential.EventDrift); len(got) == 0 {
		t.Error("drift is not told")
	}
	d.setRule(vends("222233334444"))
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Errorf("back at its account: %v", err)
	}
}

func TestDispenserOfTheVendorsAccount(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"999999999999", "873682911326"} {
		b, d := dispenserBench(t, vends(account))
		_, err := b.Dispenser(vend()).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Forbidden || !strings.Contains(err.Error(), "not usable") || d.count() != 1 {
			t.Errorf("%v after %d requests", err, d.count())
		}
		d.setRule(vends("222233334444"))
		b.clock.Advance(11 * time.Second) // the refusal is remembered for ten
		provider := b.Dispenser(vend())
		if _, err := provider.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		held, release := b.Hold(t.Context(), provider)
		defer release()
		d.setRule(vends(account))
		b.clock.Advance(55 * time.Minute)
		_, _ = provider.Retrieve(t.Context())
		<-held.Done()
		if _, err := provider.Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
			t.Errorf("turned to the vendor's account: %v", err)
		}
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

func TestDispensersAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   rolecall.Code
		says   string
	}{
		"redirect":    {http.StatusFound, "", rolecall.Invalid, "redirect (302)"},
		"redirect307": {http.StatusTemporaryRedirect, "", rolecall.Invalid, "redirect (307)"},
		"no path":     {http.StatusNotFound, "", rolecall.NotFound, "404"},
		"refused":     {http.StatusForbidden, "", rolecall.Forbidden, "refuses (403)"},
		"who":         {http.StatusUnauthorized, "", rolecall.Forbidden, "refuses (401)"},
		"too many":    {http.StatusTooManyRequests, "", rolecall.Unavailable, "429"},
		"failing":     {http.StatusBadGateway, "", rolecall.Unavailable, "502"},
		"teapot":      {http.StatusTeapot, "", rolecall.Invalid, "418"},
		"no content":  {http.StatusNoContent, "", rolecall.Invalid, "204"},
		"created":     {http.StatusCreated, dispensed("ASIA2222333344441", time.Hour), rolecall.Invalid, "201"},
		"large":       {http.StatusOK, `{"x": "` + strings.Repeat("planted", 10000) + `"}`, rolecall.Invalid, "64 KiB"},
		"HTML":        {http.StatusOK, `<html>planted</html>`, rolecall.Invalid, "JSON object"},
		"expired":     {http.StatusOK, dispensed("ASIA2222333344441", 0), rolecall.Invalid, "have expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			b, d := dispenserBench(t, func(url.Values) (int, string) { return c.status, c.body + strings.Repeat(" ", 10) },
				func(o *credential.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			_, err := b.Dispenser(byBearer()).Retrieve(t.Context())
			if rolecall.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			for _, r := range d.asked {
				if r.URL.Path != "/keys" {
					t.Errorf("went on to %s", r.URL.Path)
				}
			}
			b.Close()
			e := rolecall.List(err)[0]
			for _, text := range []string{e.Message, e.Hint, fmt.Sprintf("%v %+v", e.Err, e), log.String()} {
				if strings.Contains(text, "planted") || strings.Contains(text, externalID) {
					t.Errorf("shown: %s", text)
				}
			}
			if e.Hint == "" {
				t.Error("nobody is told to act")
			}
		})
	}
}

// roundTripper is a way to the dispenser.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// refusedAddress is as the guard's error.
type refusedAddress struct{ error }

func (refusedAddress) RetryableError() bool { return false }

func TestDispensersThatAreNotReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		way  roundTripper
		code rolecall.Code
		says string
	}{
		"guarded": {func(*http.Request) (*http.Response, error) {
			return nil, refusedAddress{errors.New("the address 10.0.0.1")}
		}, rolecall.Forbidden, "may not be reached"},
		"unknown": {func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "planted", IsNotFound: true}
		}, rolecall.Forbidden, "may not be reached"},
		"unreachable": {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }, rolecall.Unavailable, "not reachable"},
		"silent": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, rolecall.Unavailable, "within ten seconds"},
		"dripping": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(drip{r.Context()})}, nil
		}, rolecall.Unavailable, "within ten seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				verdicts, err := credential.OpenDir(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				v := credential.New(credential.Options{
					Principals: map[string]credential.Principal{"production": principal(t, "production", workerARN)},
					Verdicts:   verdicts,
					Tenants:    func(string) *http.Client { return &http.Client{Transport: c.way} },
					Bearers: func(context.Context, string, string) (credential.Bearer, error) {
						return credential.Bearer{Token: bearerToken}, nil
					},
				})
				defer v.Close()
				start := time.Now()
				_, err = v.Dispenser(byBearer()).Retrieve(t.Context())
				if rolecall.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v", err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("took %v", took)
				}
				e := rolecall.List(err)[0]
				if strings.Contains(e.Message+e.Hint, "planted") || strings.Contains(fmt.Sprint(e.Err), externalID) || strings.Contains(e.Message+e.Hint, "10.0.0.1") {
					t.Errorf("shown: %+v", e)
				}
			})
		})
	}
}

// drip is a body that comes a byte a second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
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
