package check_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// What a customer's dispenser gives are the keys of a session of a role that
// may read the bucket.
const dispenserSandbox = `
accounts:
  "873682911326":
    users: {worker: {access_key_id: AKIAWORKER, secret_access_key: worker-secret}}
  "111122223333":
    roles:
      media:
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}}
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}]
        access_key_id: ASIAMEDIA
        secret_access_key: media-secret
        session_token: media-token
    buckets: {acme-masters: {region: eu-central-1, objects: testdata/worlds/objects/masters}}
`

const dispenserHost = "vend.example.com"

// vending is a dispenser: what it answers, and for how long it says that holds.
type vending struct {
	grants func(query url.Values) (status int)
	life   time.Duration
}

func (v vending) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := v.grants(r.URL.Query()); status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	fmt.Fprintf(w, `{"AccessKeyId": "ASIAMEDIA", "SecretAccessKey": "media-secret", "SessionToken": "media-token", "Expiration": %q}`,
		time.Now().Add(v.life).UTC().Format(time.RFC3339))
}

// server starts the dispenser and gives the client that reaches it.
func (v vending) server(t *testing.T) *http.Client {
	t.Helper()
	server := httptest.NewTLSServer(v)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// checkDispenser checks a connection with a dispenser, to which there is this
// client.
func checkDispenser(t *testing.T, there *http.Client) rolecall.CheckReport {
	t.Helper()
	endpoint := sandboxtest.Start(t, dispenserSandbox).URL
	worker := rolecall.Principal{Name: "production", ARN: rolecall.ARN{Partition: "aws", Service: "iam", Account: "873682911326", Resource: "user/worker"}, Default: true}
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal: worker, Credentials: credentials.NewStaticCredentialsProvider("AKIAWORKER", "worker-secret", ""),
		}},
		VendorAccounts: []string{worker.ARN.Account}, Verdicts: credential.Memory(), STSEndpoint: endpoint,
		Tenants: func(string) *http.Client { return there },
		Bearers: func(context.Context, string, string) (credential.Bearer, error) {
			return credential.Bearer{Token: "token-of-acme"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	clients := guard.NewClients(nil)
	t.Cleanup(clients.Close)
	return check.Run(t.Context(), check.Request{
		ID: "check-1", Principal: worker, Vendor: rolecall.Vendor{Accounts: []string{worker.ARN.Account}, Principals: map[string]rolecall.Principal{"production": worker}},
		Organization: rolecall.Organization{
			APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "x-42"},
			Secrets: map[string]rolecall.Secret{"token": {Name: "token", Type: rolecall.SecretText, Version: "1", Host: dispenserHost}},
		},
		Connection: rolecall.Connection{
			Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
			HTTPCredentialSource: &rolecall.HTTPCredentialSource{URL: "https://" + dispenserHost + "/", Secret: "token"},
		},
	}, &access.Access{Vault: vault, Clients: clients, STSEndpoint: endpoint, S3Endpoint: endpoint}, nil)
}

// theirs answers those who are the organization, as it should.
func theirs(q url.Values) int {
	if q.Get("organization") == "acme" && q.Get("external_id") == "x-42" {
		return http.StatusOK
	}
	return http.StatusForbidden
}

func always(status int) func(url.Values) int { return func(url.Values) int { return status } }

func TestCheckOfADispenser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		vending
		result rolecall.CheckResult
		step   string // the first that is neither passed nor skipped
		layer  rolecall.CheckLayer
	}{
		"well":             {vending{theirs, time.Hour}, rolecall.CheckPass, "", ""},
		"short-lived":      {vending{theirs, 10 * time.Minute}, rolecall.CheckWarn, rolecall.StepDuration, rolecall.LayerRole},
		"gives to anybody": {vending{always(http.StatusOK), time.Hour}, rolecall.CheckFail, rolecall.StepExternalIDAbsent, rolecall.LayerTrust},
		"gives to none":    {vending{always(http.StatusForbidden), time.Hour}, rolecall.CheckFail, rolecall.StepAssume, rolecall.LayerTrust},
		"is not there":     {vending{always(http.StatusNotFound), time.Hour}, rolecall.CheckFail, rolecall.StepAssume, rolecall.LayerName},
		"is broken":        {vending{always(http.StatusInternalServerError), time.Hour}, rolecall.CheckFail, rolecall.StepAssume, rolecall.LayerNetwork},
		"ignores case": {vending{func(q url.Values) int {
			q.Set("external_id", strings.ToLower(q.Get("external_id")))
			return theirs(q)
		}, time.Hour}, rolecall.CheckFail, rolecall.StepExternalIDNear, rolecall.LayerTrust},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := checkDispenser(t, test.server(t))
			first := rolecall.CheckStep{}
			for _, s := range report.Steps {
				if first.Step == "" && s.Result != rolecall.CheckPass && s.Result != rolecall.CheckSkip {
					first = s
				}
			}
			if report.Result != test.result || first.Step != test.step || first.Layer != test.layer {
				t.Errorf("%s, %s %s: %s (%s)\n%+v", report.Result, first.Step, first.Layer, first.Message, first.Hint, report.Steps)
			}
			if strings.Contains(fmt.Sprint(report), "token-of-acme") || strings.Contains(fmt.Sprint(report), "media-secret") {
				t.Error("the report shows a secret")
			}
		})
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// Whether a name is not there or leads to where it may not, a tenant is told
// the same.
func TestDispenserThatMayNotBeReached(t *testing.T) {
	t.Parallel()
	refused := checkDispenser(t, &http.Client{Transport: failing{&guard.Error{Addr: netip.MustParseAddr("10.0.0.5"), Reason: "private network"}}})
	unknown := checkDispenser(t, &http.Client{Transport: failing{&net.DNSError{Err: "no such host", Name: dispenserHost, IsNotFound: true}}})
	if diff := cmp.Diff(refused, unknown); diff != "" {
		t.Error(diff)
	}
	for _, s := range refused.Steps {
		if s.Step == rolecall.StepAssume && (s.Result != rolecall.CheckFail || !strings.Contains(s.Message, "may not be reached")) {
			t.Errorf("%+v", s)
		}
	}
}
