package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/task"
	"github.com/rolecall/rolecall/internal/worker"
	"github.com/rolecall/rolecall/sandbox"
)

// Options are the options of a demo. All are optional.
type Options struct {
	Keep    bool                       // keep the directory with the files, and name it in the story
	Ready   func(Story, rolecall.Plan) // called when the accounts exist and the job begins
	Observe func(job.Event)            // called with the events of the job
	Log     *slog.Logger

	onEvent func(credential.Event) // for tests: gets the events of the vault instead of the story
}

// Run runs the demo and returns its story. If the error is a rolecall.Errors,
// it lists the expectations that failed, which are in the story too. With any
// other error the story is incomplete.
func Run(ctx context.Context, o Options) (_ Story, err error) {
	dir, err := os.MkdirTemp("", "rolecall-demo-")
	if err != nil {
		return Story{}, fmt.Errorf("make demo directory: %w", err)
	}
	if !o.Keep {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	d := &demo{world: newWorld(dir), options: o}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.start(ctx); err != nil {
		return Story{}, err
	}
	if o.Keep {
		d.story.Directory = dir
	}
	for _, chapter := range []func(context.Context) error{d.job, d.roles, d.digests, d.refusals} {
		if err := errors.Join(chapter(ctx), ctx.Err()); err != nil {
			return Story{}, err
		}
		if d.story.Job.Status != rolecall.Completed {
			break // the rest would fail too
		}
	}
	return d.story, d.story.Errors.Err()
}

// demo is a demo that runs.
type demo struct {
	*world
	options  Options
	server   *sandbox.Server
	config   *config.Config
	worker   *worker.Worker
	vaultLog vaultLog
	plan     rolecall.Plan
	story    Story
}

// start creates the accounts and reads the config, as a user would.
func (d *demo) start(ctx context.Context) error {
	if err := errors.Join(d.writeObjects(), d.write("sandbox.yaml"), d.writeKeys()); err != nil {
		return err
	}
	accounts, err := sandbox.LoadConfig(d.path("sandbox.yaml"))
	if err != nil {
		return err
	}
	if d.server, err = sandbox.Start(ctx, accounts, sandbox.Options{Dir: d.dir}); err != nil {
		return err
	}
	d.URL = d.server.URL
	if err := errors.Join(d.write("rolecall.yaml"), d.write("job.json")); err != nil {
		return err
	}
	if d.config, err = config.Load(d.path("rolecall.yaml")); err != nil {
		return err
	}
	d.story = Story{Endpoint: d.URL, Accounts: d.accounts(), Errors: rolecall.Errors{}}
	return d.open()
}

// open opens the worker, as a user's run does.
func (d *demo) open() error {
	local := worker.Local{Log: d.options.Log, OnEvent: d.vaultLog.add}
	if d.options.onEvent != nil {
		local.OnEvent = d.options.onEvent
	}
	dir, err := state.Open(d.config.State)
	if err != nil {
		return err
	}
	verdicts, err := dir.Verdicts(local.Log)
	if err != nil {
		return err
	}
	d.worker, err = worker.OpenLocal(d.config, verdicts, local)
	return err
}

// close ends what start began, even if it failed halfway.
func (d *demo) close() error {
	if d.worker != nil {
		d.worker.Close()
	}
	if d.server == nil {
		return nil
	}
	return d.server.Close()
}

// job runs the job in a directory of its own.
func (d *demo) job(ctx context.Context) error {
	data, err := os.ReadFile(d.path("job.json"))
	if err != nil {
		return err
	}
	if d.plan, err = d.readPlan(data, "acme", ""); err != nil {
		return err
	}
	if d.options.Ready != nil {
		d.options.Ready(d.story, d.plan)
	}
	recorder := newMoveRecorder(d.options.Observe)
	d.story.Job, err = d.run(ctx, d.plan, recorder.observe)
	d.story.Moves = recorder.moves
	d.expect(d.story.Job.Status == rolecall.Completed, "the job did not complete")
	d.story.Errors = append(d.story.Errors, d.story.Job.Errors...)
	return err
}

func (d *demo) readPlan(data []byte, org, principal string) (rolecall.Plan, error) {
	return rolecall.ReadPlan(data, d.config.Organizations[org], d.config.Vendor, principal)
}

func (d *demo) run(ctx context.Context, plan rolecall.Plan, observe func(job.Event)) (rolecall.JobReport, error) {
	path, err := os.MkdirTemp(d.dir, "work-")
	if err != nil {
		return rolecall.JobReport{}, err
	}
	dir, err := os.OpenRoot(path)
	if err != nil {
		return rolecall.JobReport{}, err
	}
	report := d.worker.Run(ctx, job.Job{ID: job.NewID(), Plan: plan, Dir: dir}, observe)
	return report, errors.Join(dir.Close(), os.RemoveAll(path))
}

// expect records a failure unless ok.
func (d *demo) expect(ok bool, failure string) {
	if !ok {
		d.story.Errors = append(d.story.Errors, &rolecall.Error{
			Code: rolecall.Internal, Message: failure,
			Hint: "You: run it again with --output json, and report what it prints as a fault of rolecall's",
		})
	}
}

// moveRecorder records moves from a job's events.
type moveRecorder struct {
	next    func(job.Event)
	moves   []Move
	started map[int]time.Time
	current map[int]Move
}

func newMoveRecorder(next func(job.Event)) *moveRecorder {
	return &moveRecorder{next: next, started: map[int]time.Time{}, current: map[int]Move{}}
}

func (w *moveRecorder) observe(e job.Event) {
	if w.next != nil {
		w.next(e)
	}
	switch {
	case e.Kind == job.Started:
		w.started[e.Task] = time.Now()
	case e.Kind == job.Progress && e.Progress.Kind == task.Authorized:
		w.current[e.Task] = Move{Place: e.Progress.Place, Role: e.Progress.Role}
	case e.Kind == job.Ended:
		m := w.current[e.Task]
		m.Tool, m.Files, m.Bytes, m.Seconds = e.Report.Tool, e.Report.Files, e.Report.Bytes, time.Since(w.started[e.Task]).Seconds()
		w.moves = append(w.moves, m)
	}
}
