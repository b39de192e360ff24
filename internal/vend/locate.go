package vend

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
)

// Location is where a tool reaches a bucket.
type Location struct {
	Region   string
	Endpoint string // empty: AWS's
}

// Locate returns where a tool reaches the grant's bucket. Endpoint is the
// choice of whoever runs the tool, if any.
//
// The endpoint of a connection is a tenant's choice, and a tool goes there
// without the guard. It looks names up again and, as most SDKs do, follows
// redirects. So only an address that the operator lists is passed to it.
func (g Grant) Locate(ctx context.Context, a *access.Access, endpoint string) (Location, error) {
	used := *a
	switch chosen := g.Place.EndpointURL; {
	case endpoint != "":
		used.S3Endpoint, g.Place.EndpointURL = endpoint, ""
	case chosen != "":
		if err := a.Clients.Listed(chosen); err != nil {
			return Location{}, &rolecall.Error{
				Code: rolecall.Forbidden, Err: err, Message: "the connection's endpoint is not one that a command may be led to",
				Hint: "You: run a job, since a command reaches that server unguarded; or, if you trust it, give it with --endpoint-url. " +
					"Operator: or list its address in network.allow",
			}
		}
	}
	l := Location{Region: g.Place.Region}
	l.Endpoint, _ = used.Endpoint(g.Place)
	var err error
	if l.Region == "" {
		l.Region, err = g.askRegion(ctx, &used)
	}
	return l, err
}

// Region returns the region of the grant's bucket for a tool that finds the
// bucket by itself. It does not contact servers that a tenant chose.
func (g Grant) Region(ctx context.Context, a *access.Access) (string, error) {
	if g.Place.Region != "" || g.Place.EndpointURL != "" {
		return g.Place.Region, nil
	}
	return g.askRegion(ctx, a)
}

// askRegion requests the region of the grant's bucket. If the server reports
// none, any region will do in a signature.
func (g Grant) askRegion(ctx context.Context, a *access.Access) (string, error) {
	region, err := a.AskRegion(ctx, g.request())
	switch {
	case err == nil && region == "":
		return rolecall.HomeRegion(g.Principal.ARN.Partition), nil
	case err == nil:
		return region, nil
	case ctx.Err() != nil:
		return "", err
	}
	endpoint, _ := a.Endpoint(g.Place)
	r, known := refusal.Read(err).To(refusal.Request{Place: g.Place, Endpoint: endpoint, Verb: "say where the bucket is"})
	if !known {
		return "", err
	}
	return "", r.Err("", err)
}
