package task

import (
	"context"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// leftovers reports whether the bucket may have uploads of this step's that
// nobody goes on with: an earlier run's, or those whose ids were lost in this one.
func (s *work) leftovers() bool {
	return s.tools.job.Journal.Resumed() || s.tools.job.Journal.Lost(s.marker())
}

// sweep aborts what is left of this step's uploads and this run had no use for:
// those that its journal names, and those whose id it never learned, where the
// role may list the bucket's uploads. The step is done, and stays so, whatever
// comes of it.
func (s *work) sweep(ctx context.Context, to side) {
	if !s.leftovers() {
		return
	}
	var err error
	if to.session != "" && !to.sweeps { // an id was lost since it was opened
		to, err = s.open(ctx, to.end)
	}
	aborted := 0
	if err == nil {
		aborted, err = transfer.Sweep(ctx, to.bucket, transfer.SweepOptions{
			Journal: s.tools.job.Journal, Prefix: to.place.Key, Marker: s.marker(), Session: to.session,
		})
	}
	if aborted > 0 {
		s.log.InfoContext(ctx, "uploads aborted that were left over", "bucket", to.place.Bucket, "uploads", aborted)
	}
	switch {
	case err == nil:
	case kindOf(err) == transfer.Denied:
		s.log.DebugContext(ctx, "the bucket's uploads may not be listed, so that some may be left", "bucket", to.place.Bucket)
	default:
		s.log.WarnContext(ctx, "uploads may be left", "bucket", to.place.Bucket, "cause", err)
	}
}

// lastSweep bounds how long a job that failed waits for sweepFailed.
const lastSweep = 10 * time.Second

// sweepFailed sweeps for steps that lost an upload's id and then failed. Where
// an interruption has ended ctx, that is left to a later run, or to a lifecycle
// rule.
func (t *Tools) sweepFailed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastSweep)
	defer cancel()
	for _, step := range t.job.Plan.Steps {
		if ctx.Err() == nil {
			t.sweepAfter(ctx, step)
		}
	}
}

func (t *Tools) sweepAfter(ctx context.Context, step rolecall.Step) {
	working, s := t.begin(ctx, step, func(Event) {})
	defer s.close()
	end := source
	if step.Tool == rolecall.StorageCopy {
		end = destination
	}
	// Without a role there is no session by which own uploads are known.
	if !t.job.Journal.Lost(s.marker()) || end.of(step).RoleARN == "" {
		return
	}
	to, err := s.open(working, end)
	if err != nil {
		s.log.WarnContext(ctx, "uploads may be left", "bucket", to.place.Bucket, "cause", err)
		return
	}
	s.sweep(working, to)
}
