// Package access leads from a place and what is to be done there to S3: the
// bucket's region, the session policy, the credential under it and the client
// that uses it. Tasks, checks and tools all come this way, so that a check finds
// what a job would.
//
// Which places a tenant may name is package rolecall's concern, whether a role
// may be used package credential's, and what a refusal means package refusal's.
package access

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
)

// Access is how all work of a process reaches S3. Vault and Clients are needed;
// nobody here closes them.
type Access struct {
	Vault       *credential.Vault
	Clients     guard.Clients
	STSEndpoint string           // the operator's, as the vault's; empty: AWS's regional ones
	S3Endpoint  string           // the operator's; empty: AWS's
	Memory      *transfer.Memory // nil: 256 MiB for each client
	Rates       *transfer.Rates  // nil: each client's own
}

// Endpoint returns where a place's bucket is asked for, empty for AWS, and the
// HTTP client that may go there.
func (a *Access) Endpoint(place rolecall.Place) (string, *http.Client) {
	if place.EndpointURL != "" {
		return place.EndpointURL, a.Clients.Tenant(place.EndpointURL)
	}
	return a.S3Endpoint, a.Clients.Operator
}

// Client returns a client for the request's place with the credentials.
func (a *Access) Client(r Request, credentials aws.CredentialsProvider) *transfer.Client {
	endpoint, client := a.Endpoint(r.Place)
	return transfer.NewClient(transfer.ClientOptions{
		Credentials: credentials, Region: r.Place.Region, Endpoint: endpoint, PathStyle: endpoint != "", HTTP: client, UserAgent: r.Label,
		Attempts: r.Attempts, Memory: a.Memory, Rates: a.Rates,
	})
}

// AskRegion returns the region of the request's bucket, as S3 tells it to
// anyone in a header of HeadBucket, or empty if the server does not say. The
// error is a *transfer.Error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (a *Access) AskRegion(ctx context.Context, r Request) (string, error) {
	endpoint, client := a.Endpoint(r.Place)
	return transfer.RegionOf(ctx, transfer.RegionQuestion{
		Bucket: r.Place.Bucket, Endpoint: endpoint, Home: rolecall.HomeRegion(r.Principal.ARN.Partition), HTTP: client,
		Patient: r.Attempts == 0,
	})
}
