package task

import (
	"context"

	"github.com/rolecall/rolecall/internal/transfer"
)

// sweep aborts what an earlier run of the job left of this step's uploads and
// this one had no use for: those that its journal names, and those whose id it
// never learned, where the role may list the bucket's uploads. The step is
// done, and stays so, whatever comes of it.
func (s *stage) sweep(ctx context.Context, to side) {
	if !s.tools.job.Journal.Resumed() {
		return
	}
	aborted, err := transfer.Sweep(ctx, to.bucket, transfer.SweepOptions{
		Journal: s.tools.job.Journal, Prefix: to.place.Key, Marker: s.marker(), Session: to.session,
	})
	if aborted > 0 {
		s.log.InfoContext(ctx, "uploads of an earlier run aborted", "bucket", to.bucket.Name, "uploads", aborted)
	}
	switch {
	case err == nil:
	case kindOf(err) == transfer.Denied:
		s.log.DebugContext(ctx, "the bucket's uploads may not be listed, so that those of an earlier run may be left", "bucket", to.bucket.Name)
	default:
		s.log.WarnContext(ctx, "uploads of an earlier run may be left", "bucket", to.bucket.Name, "cause", err)
	}
}
