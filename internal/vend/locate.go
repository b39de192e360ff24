package vend

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/transfer"
)

// Location is where a tool finds a bucket.
type Location struct {
	Region   string
	Endpoint string // empty: AWS's
}

// Locate finds where a tool reaches the grant's bucket. Endpoint is what whoever
// runs the tool chose, if anything.
//
// An endpoint of the connection's is a tenant's choice, and a tool goes there
// without the guard. It looks names up again and, as most SDKs do, follows
// redirects: only an address that the operator lists is passed on to it.
func (g Grant) Locate(ctx context.Context, a *access.Access, endpoint string) (Location, error) {
	reached := *a
	switch chosen := g.Place.EndpointURL; {
	case endpoint != "":
		reached.S3Endpoint, g.Place.EndpointURL = endpoint, ""
	case chosen != "":
		if err := a.Clients.Listed(chosen); err != nil {
			return Location{}, &rolecall.Error{
				Code: rolecall.Forbidden, Err: err, Message: "the connection's endpoint is not one that a command may be led to",
				Hint: "it is the tenant's choice, and a command goes there and further unguarded: run a job; or, if you trust that server, " +
					"list its address in network.allow, or give it with --endpoint-url",
			}
		}
	}
	at := Location{Region: g.Place.Region}
	at.Endpoint, _ = reached.Endpoint(g.Place)
	var err error
	if at.Region == "" {
		at.Region, err = g.askRegion(ctx, &reached)
	}
	return at, err
}

// Region returns the region of the grant's bucket for a tool that finds the
// bucket by itself. Servers of a tenant's choice are not asked.
func (g Grant) Region(ctx context.Context, a *access.Access) (string, error) {
	if g.Place.Region != "" || g.Place.EndpointURL != "" {
		return g.Place.Region, nil
	}
	return g.askRegion(ctx, a)
}

// askRegion asks for the region of the grant's bucket. Where the server does
// not know, it is one that any signature may name.
func (g Grant) askRegion(ctx context.Context, a *access.Access) (string, error) {
	region, err := a.AskRegion(ctx, g.request())
	var failed *transfer.Error
	switch {
	case err == nil && region == "":
		return rolecall.HomeRegion(g.Principal.ARN.Partition), nil
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
