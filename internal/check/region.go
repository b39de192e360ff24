package check

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
)

// located finds the bucket and its region, which S3 says to everyone.
func located(ctx context.Context, w *work) finding {
	c := w.Connection
	w.region = c.Region
	found, err := w.AskRegion(ctx, w.request())
	switch {
	case ctx.Err() != nil:
		return w.fault(ctx, ctx.Err())
	case err != nil:
		return w.diagnose(ctx, question{verb: "say where the bucket is"}, err)
	case found == "" && c.Region == "":
		return passed("the bucket is there; its server does not say in which region")
	case found == "":
		return passed("the bucket is there")
	case c.Region == "":
		w.region = found
		return passed("the bucket is in %s", found)
	case found == c.Region:
		return passed("the bucket is in %s, as declared", found)
	case c.S3EndpointURL != "": // its region is a name for signatures only
		f := passed("the bucket's server calls its region %s; the connection says %s, which is used", found, c.Region)
		f.result = rolecall.CheckWarn
		return f
	}
	f := w.found(refusal.OtherRegion(w.place(), found), "")
	w.region = found
	f.patches = w.changed(func(c *rolecall.Connection) { c.Region = found })
	return f
}
