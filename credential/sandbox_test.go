package credential_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// sandboxed is a vault whose STS is the sandbox: the vendor's worker role and
// a customer's role media with the given trust.
func sandboxed(t *testing.T, trust string, change ...func(*credential.Options)) (*bench, *local) {
	t.Helper()
	server := sandboxtest.Start(t, `accounts:
  "873682911326":
    roles:
      VTKWorker:
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}}
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
        access_key_id: ASIAWORKER0000000001
        secret_access_key: worker-secret
        session_token: worker-token
  "111122223333": {roles: {media: {trust: `+trust+`}}}
`)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	b := newBench(t, strict, append([]func(*credential.Options){func(o *credential.Options) {
		p := o.Principals["production"]
		p.Credentials = aws.CredentialsProviderFunc(workerKeys)
		o.Principals["production"] = p
		o.STSEndpoint, o.HTTPClient, o.Now = server.URL, client, nil
	}}, change...)...)
	return b, &local{server, client}
}

// local is a sandbox and a client that reaches it.
type local struct {
	*sandbox.Server
	client *http.Client
}

func workerKeys(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "ASIAWORKER0000000001", SecretAccessKey: "worker-secret", SessionToken: "worker-token"}, nil
}

func TestProveOnTheSandbox(t *testing.T) {
	t.Parallel()
	for _, c := range trustCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, server := sandboxed(t, trustPolicy(c.trust))
			verdict, err := b.Prove(t.Context(), acme())
			checkVerdict(t, verdict, err, c.failed)
			for _, e := range server.Trail() {
				if e.AssumeRole != nil && (e.AssumeRole.SessionPolicy != string(policy.DenyAll()) || e.AssumeRole.Duration != 900) {
					t.Errorf("a probe that could be used: %+v", e.AssumeRole)
				}
			}
		})
	}
}

// A session from the sandbox is the role's, and a role made again under its
// name is proved again.
func TestSessionOfTheSandbox(t *testing.T) {
	t.Parallel()
	right := trustPolicy(allow(``, `"StringEquals":{"sts:ExternalId":"`+externalID+`"}`))
	b, server := sandboxed(t, right)
	provider := b.Role(acme())
	options := sts.Options{Region: "eu-central-1", Credentials: provider, BaseEndpoint: &server.URL, HTTPClient: server.client}
	who, err := sts.New(options).GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(who.Arn) != "arn:aws:sts::111122223333:assumed-role/media/acme.01JOB" {
		t.Fatalf("%+v, %v", who, err)
	}
	open, err := policy.Parse([]byte(trustPolicy(allow(``, ``))))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.DeleteRole("111122223333", "media"); err != nil {
		t.Fatal(err)
	}
	if err := server.PutRole("111122223333", "media", &sandbox.Role{Trust: open}); err != nil {
		t.Fatal(err)
	}
	other := acme()
	other.JobID = "02JOB"
	if _, err := b.Role(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("the recreated role: %v", err)
	}
	if _, err := provider.Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("the session of the deleted role: %v", err)
	}
}
