package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/bound"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/transfer"
)

// Job is what the steps of one job share.
type Job struct {
	ID   string
	Plan rolecall.Plan
	Dir  *os.Root // the working directory
	// Protected are files in the working directory that no object replaces, such as
	// the job's own document, and links to them.
	Protected []fs.FileInfo
	// Journal has what earlier tries and runs have done. Nil: of this run alone.
	Journal *journal.Journal
	// Resumable says that a later run can go on with the journal: when this one is
	// handed back, or ended by what may pass, what is unfinished is left for it.
	Resumable bool
	// Slots are for tasks that run at once, one each, with those of other jobs of the
	// process. Nil: as many as one job may.
	Slots *bound.Share
	Log   *slog.Logger // nil: none
}

// Tools runs the steps of one job. Use New.
type Tools struct {
	access *access.Access
	limits *transfer.Limits
	job    Job

	mu      sync.Mutex // guards regions
	regions map[bucketAt]string

	claimEnded atomic.Bool // on a role that a step used
}

// New prepares the tools for a job's steps.
func New(a *access.Access, job Job) *Tools {
	if job.Log == nil {
		job.Log = slog.New(slog.DiscardHandler)
	}
	if job.Journal == nil {
		job.Journal = journal.New()
	}
	job.Log = job.Log.With("org", job.Plan.Organization, "job", job.ID)
	return &Tools{access: a, limits: cmp.Or(a.Limits, transfer.NewLimits(transfer.DefaultMemory)), job: job, regions: map[bucketAt]string{}}
}

// Resumable reports whether a later run can go on with what is unfinished. After
// the end of a claim none can.
func (t *Tools) Resumable() bool { return t.job.Resumable && !t.claimEnded.Load() }

// Retract undoes what steps have begun and not ended, when all have
// returned: unfinished uploads and files. The error reports what is left.
func (t *Tools) Retract(ctx context.Context) error {
	var left []error
	err := t.job.Journal.Retract(ctx)
	if all, several := err.(interface{ Unwrap() []error }); several {
		left = all.Unwrap()
	} else if err != nil {
		left = []error{err}
	}
	var faults faultList
	for _, err := range left {
		faults.add("", t.leftover(ctx, err))
	}
	t.sweepFailed(ctx)
	return faults.err()
}

// leftover is the error for what could not be undone.
func (t *Tools) leftover(ctx context.Context, err error) error {
	var e *transfer.Error
	if !errors.As(err, &e) || e.Upload == "" {
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: "an unfinished file is left in the working directory", Hint: "You: remove it; its name begins with .rolecall- and ends in .part", Err: err,
		}
	}
	t.job.Log.WarnContext(ctx, "unfinished upload left in the bucket", "bucket", e.Bucket, "key", e.Key, "upload", e.Upload)
	out := &rolecall.Error{
		Code: rolecall.Unavailable, Err: err,
		Message: fmt.Sprintf("the unfinished upload of %q could not be aborted and is left in the bucket", "s3://"+e.Bucket+"/"+e.Key),
		Hint:    "Customer: abort it, or add a lifecycle rule with AbortIncompleteMultipartUpload",
	}
	if e.Kind == transfer.Denied {
		out.Code, out.Hint = rolecall.Forbidden, "Customer: allow s3:AbortMultipartUpload, or add a lifecycle rule with AbortIncompleteMultipartUpload"
	}
	return out
}

// Run does one step. Its errors are rolecall's, with pointers into the job. When
// the claim on a role that it uses ends, so does the step, with an error that
// wraps credential.ErrClaimEnded. The outcome counts what is done, after an
// error too. Observe may be called from several goroutines.
func (t *Tools) Run(ctx context.Context, step rolecall.Step, observe func(Event)) (Outcome, error) {
	working, s := t.begin(ctx, step, observe)
	defer s.close()
	out, err := s.run(working)
	if err != nil && ctx.Err() == nil {
		err = cmp.Or(s.ended(), err)
	}
	return out, err
}

// begin returns a step under way, to be closed, and the context that ends with it.
func (t *Tools) begin(ctx context.Context, step rolecall.Step, observe func(Event)) (context.Context, *work) {
	working, stop := context.WithCancelCause(ctx)
	s := &work{tools: t, step: step, log: t.job.Log.With("task", step.Index), stop: stop}
	return s.watch(working, observe), s
}

func (s *work) run(ctx context.Context) (Outcome, error) {
	switch s.step.Tool {
	case rolecall.StorageGet:
		return s.get(ctx)
	case rolecall.StoragePut:
		return s.put(ctx)
	case rolecall.StorageCopy:
		return s.copy(ctx)
	case rolecall.StorageExists:
		return s.exists(ctx)
	case rolecall.StorageTagS3:
		return s.tag(ctx)
	default:
		return Outcome{}, &rolecall.Error{Code: rolecall.Internal, Message: "internal error", Err: fmt.Errorf("no such tool: %q", s.step.Tool)}
	}
}

// work is one step under way.
type work struct {
	tools   *Tools
	step    rolecall.Step
	observe func(Event)
	wait    *wait
	log     *slog.Logger
	listed  atomic.Int64            // keys that were looked at
	done    atomic.Int64            // files that were moved
	held    atomic.Int64            // bytes of names
	stop    context.CancelCauseFunc // of its work
	leases  []*lease

	aside    aside
	tagsLost atomic.Bool // and that was reported
}

// marker is what an object carries that this step wrote.
func (s *work) marker() string { return fmt.Sprintf("%s/%d", s.tools.job.ID, s.step.Index) }
