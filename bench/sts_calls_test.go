package bench

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const (
	tasks      = 1000
	atOnce     = 16
	externalID = "x-42"
	worker     = "arn:aws:iam::873682911326:role/VTKWorker"
	media      = "arn:aws:iam::111122223333:role/media"
)

var sandboxConfig = fmt.Sprintf(`accounts:
  "873682911326":
    roles:
      VTKWorker:
        access_key_id: ASIAWORKER0000000001
        secret_access_key: worker-secret
        session_token: worker-token
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}}
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
  "111122223333":
    roles:
      media:
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: %q}, Action: "sts:AssumeRole", Condition: {StringEquals: {"sts:ExternalId": %q}}}}
`, worker, externalID)

func workerKeys(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "ASIAWORKER0000000001", SecretAccessKey: "worker-secret", SessionToken: "worker-token"}, nil
}

// BenchmarkSTSCalls counts the STS calls of 1,000 tasks of one job with one
// role and one scope, each with its own provider: with the vault, the first
// time with its proof and then with a stored verdict, and with the SDK's
// provider and cache for each task. The other calls are the vault's one
// GetCallerIdentity for the worker's own keys.
func BenchmarkSTSCalls(b *testing.B) {
	session, err := policy.Session(policy.Scope{
		Region: "eu-central-1", Bucket: "acme-masters", Prefixes: []string{"in/"}, Operations: []policy.Operation{policy.Read, policy.List},
	})
	if err != nil {
		b.Fatal(err)
	}
	role := credential.Role{
		Organization: "acme", Principal: "production", RoleARN: media, ExternalID: externalID,
		JobID: "01JOB", Policy: session, Region: "eu-central-1",
	}
	b.Run("rolecall/unproved", func(b *testing.B) {
		countCalls(b, func(l local) (func(int) aws.CredentialsProvider, func()) {
			vault := openVault(b, l)
			return func(int) aws.CredentialsProvider { return vault.Role(role) }, vault.Close
		})
	})
	b.Run("rolecall/proved", func(b *testing.B) {
		countCalls(b, func(l local) (func(int) aws.CredentialsProvider, func()) {
			vault := openVault(b, l)
			if _, err := vault.Prove(b.Context(), role); err != nil {
				b.Fatal(err)
			}
			return func(int) aws.CredentialsProvider { return vault.Role(role) }, vault.Close
		})
	})
	b.Run("sdk", func(b *testing.B) {
		countCalls(b, func(l local) (func(int) aws.CredentialsProvider, func()) {
			client := sts.New(sts.Options{
				Region: "eu-central-1", BaseEndpoint: aws.String(l.url), HTTPClient: l.client, Credentials: aws.CredentialsProviderFunc(workerKeys),
			})
			return func(int) aws.CredentialsProvider {
				return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, media, func(o *stscreds.AssumeRoleOptions) {
					o.ExternalID, o.Policy = aws.String(externalID), aws.String(string(session))
				}))
			}, func() {}
		})
	})
}

type local struct {
	url    string
	client *http.Client
}

// countCalls runs the tasks against one sandbox. It calls open for each run,
// which returns the provider of a task.
func countCalls(b *testing.B, open func(local) (func(task int) aws.CredentialsProvider, func())) {
	b.Helper()
	config, err := sandbox.ParseConfig([]byte(sandboxConfig), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	server := sandboxtest.StartConfig(b, config, sandbox.Options{Trail: 1 << 20})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	b.Cleanup(client.CloseIdleConnections)
	assumed, others := 0, 0
	for b.Loop() {
		provider, done := open(local{server.URL, client})
		before := len(server.Trail())
		queue := make(chan int)
		var workers sync.WaitGroup
		for range atOnce {
			workers.Go(func() {
				for task := range queue {
					if _, err := provider(task).Retrieve(b.Context()); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for task := range tasks {
			queue <- task
		}
		close(queue)
		workers.Wait()
		assumed, others = 0, 0
		for _, e := range server.Trail()[before:] {
			if e.AssumeRole != nil {
				assumed++
			} else {
				others++
			}
		}
		done()
	}
	b.ReportMetric(float64(assumed), "AssumeRole/1000-tasks")
	b.ReportMetric(float64(others), "other-STS-calls/1000-tasks")
}

func openVault(b *testing.B, l local) *credential.Vault {
	b.Helper()
	dir, err := state.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	verdicts, err := dir.Verdicts(nil)
	if err != nil {
		b.Fatal(err)
	}
	arn, err := rolecall.ParseARN(worker)
	if err != nil {
		b.Fatal(err)
	}
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal:   rolecall.Principal{Name: "production", ARN: arn},
			Credentials: aws.CredentialsProviderFunc(workerKeys),
		}},
		Verdicts: verdicts, STSEndpoint: l.url, HTTPClient: l.client,
	})
	if err != nil {
		b.Fatal(err)
	}
	return vault
}
