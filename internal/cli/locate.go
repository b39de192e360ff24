package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/internal/vend"
)

// whereabouts are where a tool finds a bucket.
type whereabouts struct {
	region   string
	endpoint string // empty: AWS's
}

// locate finds where a tool reaches the grant's bucket. Given is the endpoint
// that whoever runs the tool chose, if any.
//
// An endpoint of the connection's is a tenant's choice, and a tool goes there
// without the guard. It looks names up again and, as most SDKs do, follows
// redirects: only an address that the operator lists is passed on to it.
func locate(ctx context.Context, cfg *config.Config, g vend.Grant, given string) (whereabouts, error) {
	clients := guard.NewClients(cfg.Allow)
	defer clients.Close()
	at, client := whereabouts{g.Place.Region, cfg.Endpoints.S3}, clients.Operator
	switch chosen := g.Place.EndpointURL; {
	case given != "":
		if u, err := url.Parse(given); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return at, &rolecall.Error{Code: rolecall.Invalid, Message: "--endpoint-url is not an http or https URL", Hint: "for example https://s3.example.com"}
		}
		at.endpoint = given
	case chosen != "":
		if err := clients.Listed(chosen); err != nil {
			return at, &rolecall.Error{
				Code: rolecall.Forbidden, Err: err, Message: "the connection's endpoint is not one that a command may be led to",
				Hint: "it is the tenant's choice, and a command goes there and further unguarded: run a job; or, if you trust that server, " +
					"list its address in network.allow, or give it with --endpoint-url",
			}
		}
		at.endpoint, client = chosen, clients.Tenant(chosen)
	}
	if at.region != "" {
		return at, nil
	}
	var err error
	at.region, err = regionOf(ctx, g, at.endpoint, client)
	return at, err
}

// bucketRegion is the region of the grant's bucket for a tool that finds the
// bucket by itself. Servers of a tenant's choice are not asked.
func bucketRegion(ctx context.Context, cfg *config.Config, g vend.Grant) (string, error) {
	if g.Place.Region != "" || g.Place.EndpointURL != "" {
		return g.Place.Region, nil
	}
	clients := guard.NewClients(cfg.Allow)
	defer clients.Close()
	return regionOf(ctx, g, cfg.Endpoints.S3, clients.Operator)
}

// regionOf asks for the region of the grant's bucket. Where the server does
// not know, it is one that any signature may name.
func regionOf(ctx context.Context, g vend.Grant, endpoint string, client *http.Client) (string, error) {
	home := rolecall.HomeRegion(g.Principal.ARN.Partition)
	region, err := transfer.RegionOf(ctx, transfer.RegionQuestion{Bucket: g.Place.Bucket, Endpoint: endpoint, Home: home, HTTP: client})
	var failed *transfer.Error
	switch {
	case err == nil && region == "":
		return home, nil
	case err == nil:
		return region, nil
	case ctx.Err() != nil || !errors.As(err, &failed):
		return "", err
	case failed.Kind == transfer.NoBucket:
		return "", &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no bucket %q", g.Place.Bucket), Hint: "look for a typing mistake in its name", Err: err}
	default:
		return "", &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("the region of the bucket %q cannot be found out", g.Place.Bucket),
			Hint: "look at the network between here and there, or declare the connection's region", Err: err,
		}
	}
}
