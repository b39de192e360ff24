package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
)

// unaccepted is found where S3 does not take the credentials.
func (w *work) unaccepted(a answer) finding {
	switch c := w.Connection; {
	case a.Meaning == awscode.Clock:
		skew := skewOf(a.err)
		if skew.Abs() < wrongBy { // what S3 says and its Date header do not agree
			skew = 0
		}
		return w.wrongClock(skew)
	case c.Secret != "":
		return finding{
			result: rolecall.CheckFail, candidates: []rolecall.CheckLayer{rolecall.LayerRole, rolecall.LayerName},
			message: fmt.Sprintf("S3 does not accept the keys of the secret %q", c.Secret),
			hint:    "they are wrong, or their user was deleted or disabled: give the secret new ones, or name another",
		}
	case a.kind == transfer.Expired:
		return failed(rolecall.LayerRole, "the sessions of "+w.identity()+" end at once", "look for a policy on it that revokes sessions")
	default:
		return failed(rolecall.LayerRole, "S3 does not accept the credentials of "+w.identity(), "try again; if it stays so, look at what changed about it")
	}
}

// unreachable is found where S3 does not answer, or something that is not S3.
func (w *work) unreachable(ctx context.Context, a answer) finding {
	if w.Connection.S3EndpointURL == "" {
		return failed(rolecall.LayerNetwork, "S3 does not answer", "the operator looks at the worker's network, and at the proxy if there is one")
	}
	f := finding{
		result: rolecall.CheckFail, candidates: []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerName},
		message: "the endpoint does not answer", hint: "see that its service is up, and look at s3_endpoint_url",
	}
	switch {
	case guard.Closed(a.err):
		// Both alike, lest a tenant finds out what there is in the operator's network.
		f.message, f.hint = "the endpoint may not be reached", "it takes https and a public address, or one that the operator lists in network.allow; the operator's log has the cause"
		w.Log.WarnContext(ctx, "endpoint of a connection may not be reached", "org", w.Organization.APIName, "connection", w.Connection.Name, "error", a.err)
	case a.kind == transfer.Malformed:
		f.message, f.hint = "what answers is not S3", "look at s3_endpoint_url: it must lead to a service that speaks S3's protocol"
	}
	f.hint += ". For a bucket at AWS, leave s3_endpoint_url out"
	f.patches = w.atAWS()
	return f
}

// atAWS is the connection without the endpoint that the tenant chose.
func (w *work) atAWS() []rolecall.Patch {
	return w.changed(func(c *rolecall.Connection) { c.S3EndpointURL = "" })
}

// noBucket is found where there is no bucket of the connection's name.
func (w *work) noBucket() finding {
	f := failed(rolecall.LayerName, fmt.Sprintf("there is no bucket %q", w.Connection.Bucket),
		"correct the name; or, if it is right, make the bucket in the account that is to own it. A name that is free may be taken by anyone")
	if strings.HasSuffix(w.Connection.Bucket, "-s3alias") || strings.HasSuffix(w.Connection.Bucket, "--ol-s3") {
		f.hint = "this is the alias of an access point, which S3 keeps for its own: access points are not taken, name the bucket behind it"
		return f
	}
	f.patches = w.createBucket()
	if w.Connection.S3EndpointURL != "" {
		f.hint, f.patches = "correct the name, or s3_endpoint_url; for a bucket at AWS, leave that out", w.atAWS()
	}
	return f
}
