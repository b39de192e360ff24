package vend

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// A dispenser is sent what a tool's credentials are for, after its probes, and
// the tool gets what it answers.
func TestDispenserIsToldTheScope(t *testing.T) {
	t.Parallel()
	aws := sandboxtest.Start(t, `accounts:
  "111122223333":
    roles:
      dispensed:
        trust: {Version: "2012-10-17", Statement: {Effect: Deny, Principal: "*", Action: "sts:AssumeRole"}}
        access_key_id: ASIADISPENSED0000000
        secret_access_key: secret
        session_token: token
`)

	var mu sync.Mutex
	var last url.Values
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if last = r.URL.Query(); last.Get("external_id") != "x-42" || r.Header.Get("Authorization") != "Bearer planted" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": "ASIADISPENSED0000000", "SecretAccessKey": "secret", "Token": "token",
			"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(server.Close)
	client := server.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}

	r := request(func(r *Request, c *rolecall.Connection) {
		dispensed(c)
		c.HTTPCredentialSource.URL, c.HTTPCredentialSource.Secret = "https://example.com/", "token"
		r.Access, r.Prefix = Write, "reel"
		r.Organization.Secrets = map[string]rolecall.Secret{"token": {Name: "token", Type: rolecall.SecretText, Version: "1", Host: "example.com"}}
	})
	g, err := Plan(r)
	if err != nil {
		t.Fatal(err)
	}
	stsTransport := &http.Transport{}
	t.Cleanup(stsTransport.CloseIdleConnections)
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal: r.Vendor.Principals["production"], Credentials: credentials.NewStaticCredentialsProvider("AKIAUNUSED0000000000", "unused", ""),
		}},
		Verdicts: credential.Memory(), STSEndpoint: aws.URL, HTTPClient: &http.Client{Transport: stsTransport},
		Bearers: func(context.Context, string, string) (credential.Bearer, error) {
			return credential.Bearer{Token: "planted"}, nil
		},
		Tenants: func(string) *http.Client { return client },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	provider, err := g.Provider(&access.Access{Vault: vault}, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewSource(provider, nil).Retrieve(t.Context())
	if err != nil || got.SessionToken != "token" || got.AccountID != "111122223333" {
		t.Fatalf("%s of %s, %v", got.AccessKeyID, got.AccountID, err)
	}
	mu.Lock()
	defer mu.Unlock()
	want := url.Values{
		"organization": {"acme"}, "external_id": {"x-42"}, "job_id": {g.session}, "task_id": {"exec"}, "tool": {"rolecall:exec"},
		"bucket": {"acme-media"}, "prefix": {"in/reel/"}, "access": {"write"},
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
