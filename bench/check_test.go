package bench

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// far is the delay that is added to each answer, as if AWS were far away.
const far = 50 * time.Millisecond

// BenchmarkCheck runs whole checks of a connection that works, each with its
// own vault and verdicts, while every answer is 50 ms late. Beside the time of
// a check it reports the time that its calls take one after the other.
func BenchmarkCheck(b *testing.B) {
	for _, c := range []rolecall.Connection{
		{Name: "source", Purpose: rolecall.Source},
		{Name: "delivery", Purpose: rolecall.Delivery},
	} {
		b.Run(c.Name, func(b *testing.B) {
			c.Bucket, c.Prefix, c.Region, c.RoleARN = "acme-media", "media/", "eu-central-1", media
			c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:111122223333:key/media"}
			benchmarkCheck(b, c)
		})
	}
}

func benchmarkCheck(b *testing.B, c rolecall.Connection) {
	b.Helper()
	server := openBucket(b, c)
	principal, err := rolecall.ParseARN(worker)
	if err != nil {
		b.Fatal(err)
	}
	request := check.Request{
		ID: "01CHECK", Connection: c, Principal: rolecall.Principal{Name: "production", ARN: principal, Default: true},
		Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: externalID}},
	}
	calls := 0
	for b.Loop() {
		dir, err := state.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		verdicts, err := dir.Verdicts(nil)
		if err != nil {
			b.Fatal(err)
		}
		vault, err := credential.New(credential.Options{
			Principals: map[string]credential.Principal{"production": {Principal: request.Principal, Credentials: aws.CredentialsProviderFunc(workerKeys)}},
			Verdicts:   verdicts, STSEndpoint: server.URL,
		})
		if err != nil {
			b.Fatal(err)
		}
		clients := guard.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
		before := len(server.Trail())
		report := check.Run(b.Context(), request, &access.Access{Vault: vault, Clients: clients, STSEndpoint: server.URL, S3Endpoint: server.URL}, nil)
		clients.Close()
		calls = len(server.Trail()) - before
		vault.Close()
		if i := slices.IndexFunc(report.Steps, func(s rolecall.CheckStep) bool { return s.Result == rolecall.CheckFail }); i >= 0 {
			b.Fatal(report.Steps[i])
		}
	}
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric((time.Duration(calls) * far).Seconds(), "s-one-by-one")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/check")
}

// openBucket starts a sandbox with everything that the connection needs.
func openBucket(b *testing.B, c rolecall.Connection) *sandbox.Server {
	b.Helper()
	kit, err := policy.Generate(policy.KitRequest{Connection: c, Principals: []string{worker}, ExternalIDs: []string{externalID}, Versioned: true})
	if err != nil {
		b.Fatal(err)
	}
	config, err := sandbox.ParseConfig(fmt.Appendf(nil, `accounts:
  "873682911326":
    roles:
      VTKWorker: {access_key_id: ASIAWORKER0000000001, secret_access_key: worker-secret, session_token: worker-token, policies: [%s]}
  "111122223333":
    roles: {media: {trust: %s, policies: [%s]}}
    keys: {media: {region: eu-central-1}}
    buckets: {acme-media: {region: eu-central-1, versioning: true, encryption: {type: "aws:kms", key: media}}}
faults: [{delay: %s}]
`, kit.Worker.JSON(), kit.Trust.JSON(), kit.Permissions.JSON(), far), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	server := sandboxtest.StartConfig(b, config, sandbox.Options{Trail: 1 << 20})
	if err := server.PutObject("acme-media", "media/a.mov", strings.NewReader("a")); err != nil {
		b.Fatal(err)
	}
	return server
}
