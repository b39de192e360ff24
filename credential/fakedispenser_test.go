package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// work returns the requests that came after the first proof's: nothing else
// tells them from probes.
func (d *fakeDispenser) work() []*http.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked[min(provedWith, len(d.asked)):])
}

func (d *fakeDispenser) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

// vends is a dispenser that asks for the right external id and answers with keys
// of the account, which the fake STS recognizes by the key.
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
