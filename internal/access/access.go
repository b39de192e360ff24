// Package access provides what work at a place needs: the bucket's region, the
// session policy, credentials under it and an S3 client that uses them. Tasks,
// checks and tools all use it, so that a check finds what a job would.
//
// Which places a tenant may name is decided in package rolecall, whether a role
// may be used in package credential, and what a refusal means in package
// refusal.
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

// Access is how all work of a process reaches S3. Vault and Clients are
// required; Access does not close them.
type Access struct {
	Vault       *credential.Vault
	Clients     guard.Clients
	STSEndpoint string           // the operator's, the same as the vault's; empty: AWS's regional ones
	S3Endpoint  string           // the operator's; empty: AWS's
	Limits      *transfer.Limits // nil: 256 MiB for each client
	Rates       *transfer.Rates  // nil: each client's own
}

// Endpoint returns the URL of a place's S3, empty for AWS, and the HTTP client
// for it.
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
		Attempts: r.Attempts, Limits: a.Limits, Rates: a.Rates,
	})
}

// AskRegion returns the region of the request's bucket, which S3 reports to
// anyone in a header of HeadBucket. It is empty if the server does not report
// one. The error is a *transfer.Error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (a *Access) AskRegion(ctx context.Context, r Request) (string, error) {
	endpoint, client := a.Endpoint(r.Place)
	return transfer.RegionOf(ctx, transfer.RegionQuestion{
		Bucket: r.Place.Bucket, Endpoint: endpoint, Home: rolecall.HomeRegion(r.Principal.ARN.Partition), HTTP: client,
		Limits: a.Limits, Patient: r.Attempts == 0,
	})
}
