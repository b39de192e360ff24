package dispenser

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func principal(t *testing.T, name, arn string, keys aws.Credentials) credential.Principal {
	t.Helper()
	a, err := rolecall.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	return credential.Principal{
		Principal:   rolecall.Principal{Name: name, ARN: a},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
	}
}

// Both sides of the contract, over TLS: the worker's side proves the dispenser
// and gets credentials that work, by either kind of proof.
func TestWorkersSide(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	front := httptest.NewTLSServer(b)
	t.Cleanup(front.Close)
	transport := front.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // as its certificate has it
	transport.DisableKeepAlives = true
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, front.Listener.Addr().String())
	}
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{
			"production":                principal(t, "production", "arn:aws:iam::873682911326:role/production", asProduction),
			rolecall.DispenserPrincipal: principal(t, rolecall.DispenserPrincipal, "arn:aws:iam::873682911326:role/rolecall/dispenser", asDispenser),
		},
		Verdicts: credential.Memory(),
		Bearers: func(context.Context, string, string) (credential.Bearer, error) {
			return credential.Bearer{Token: bearerSecret}, nil
		},
		Tenants:     func(string) *http.Client { return &http.Client{Transport: transport} },
		STSEndpoint: b.sts, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	signed := credential.DispenserRequest{
		Organization: "acme", Principal: "production", Source: rolecall.HTTPCredentialSource{URL: "https://Credentials.example.com:443/rolecall"},
		ExternalID: externalID, JobID: "job1", TaskID: "0", Tool: "storage:get", Bucket: "acme-masters", Prefix: "in/", Access: credential.AccessRead,
		Region: "eu-central-1",
	}
	byBearer := signed
	byBearer.Source.Secret = "token"
	byBearer.Secret = rolecall.Secret{Name: "token", Type: rolecall.SecretText, Version: "1", Host: "credentials.example.com"}
	for name, r := range map[string]credential.DispenserRequest{"signed": signed, "bearer": byBearer} {
		got, err := vault.Dispenser(r).Retrieve(t.Context())
		if err != nil {
			t.Errorf("%s: %v; %s", name, err, b.log)
			continue
		}
		client := b.s3(t, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return got, nil }))
		if got.AccountID != "111122223333" || !get(t, client, "acme-masters", "in/a/film.mov") || get(t, client, "acme-masters", "input/secret.mov") {
			t.Errorf("%s: account %s", name, got.AccountID)
		}
	}
	outside := signed
	outside.Prefix = "input/"
	if _, err := vault.Dispenser(outside).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("outside of the grants: %v", err)
	}
	wrong := signed
	wrong.ExternalID = "x-43"
	if _, err := vault.Dispenser(wrong).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("wrong external id: %v", err)
	}
}
