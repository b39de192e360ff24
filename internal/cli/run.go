package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/worker"
)

type runCommand struct {
	Job       string `arg:"" placeholder:"JOB.json" help:"File of the job, or - for stdin."`
	Org       string `placeholder:"NAME" help:"Organization whose job it is; may be left out where there is only one."`
	Principal string `placeholder:"NAME" help:"Principal to run as; else the one of the job's region, else the default."`
	Config    string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
	Workdir   string `placeholder:"DIR" help:"Working directory of the tasks, which is kept; else a temporary one."`
	Memory    memory `placeholder:"SIZE" default:"256MiB" help:"Most memory that the buffers of transfers take together; ${default} by default."`
	Fresh     bool   `help:"Begin anew, though an earlier run of the job in the working directory could be taken up."`
	Keep      bool   `help:"Keep the temporary working directory, and print where it is."`
	Verbose   bool   `short:"v" help:"Log what happens on stderr."`
}

// Run validates the job whole, runs it and prints its report.
func (c *runCommand) Run(ctx context.Context, sys System, out *output) error {
	ctx, stopped := outliving(ctx)
	defer stopped()
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }()
	exposed(ctx, sys, cfg, out)
	plan, err := c.plan(ctx, sys, cfg)
	if err != nil {
		return err
	}
	if err := c.apart(ctx, sys, cfg); err != nil {
		return err
	}
	dir, done, err := c.directory(out)
	if err != nil {
		return err
	}
	defer done()
	if plan.Notify != "" {
		out.note("notify is sent by the service only, not by a local run")
	}

	c.Memory.limitHeap()
	verdicts, err := registry.Verdicts()
	if err != nil {
		return err
	}
	key, err := registry.JournalKey(ctx, plan.Organization)
	if err != nil {
		return err
	}
	journal, err := c.journal(dir, plan.Digest, key, out)
	if err != nil {
		return err
	}
	run := service.HostWork{Action: account.JobRun, Organization: plan.Organization, Target: "jobs/" + journal.ID, Command: "run"}
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{
		Memory: int64(c.Memory), Log: out.logger(c.Verbose), Intent: registry.Sessions(func(credential.Event) service.HostWork { return run }),
	})
	if err != nil {
		return err
	}
	defer work.Close()
	if err := registry.Record(ctx, run); err != nil {
		return err
	}
	todo := job.Job{ID: journal.ID, Plan: plan, Dir: dir, Protected: c.document(), Journal: journal.Journal, Resumable: c.lasting(journal)}
	working, stop := handedBack(ctx)
	defer stop()
	if c.Workdir == "" && !c.Keep && keepsNothing(plan) {
		out.note("what the job fetches is removed with the temporary directory when it ends: give --workdir DIR, or --keep")
	}
	report := work.Run(working, todo, newProgress(out, plan).observe)
	out.screen.settle()
	c.leave(journal, report, out)
	return out.report(report)
}

// outliving returns a context that ends too when the terminal is closed, or quits
// the command, so that the job is handed back and its directory removed, and lets
// the job outlive who reads its output. The function undoes both.
func outliving(ctx context.Context) (context.Context, func()) {
	var stops []func()
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // as the first is under nohup
			ended, stop := signal.NotifyContext(ctx, s)
			ctx, stops = ended, append(stops, stop)
		}
	}
	signal.Ignore(syscall.SIGPIPE)
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		signal.Reset(syscall.SIGPIPE)
	}
}

// keepsNothing reports whether a job fetches files and delivers none.
func keepsNothing(plan rolecall.Plan) bool {
	has := func(tool string) bool {
		return slices.ContainsFunc(plan.Steps, func(s rolecall.Step) bool { return s.Tool == tool })
	}
	return has(rolecall.StorageGet) && !has(rolecall.StoragePut)
}

// handedBack returns a context that hands a job back when ctx is cancelled, and
// a function to call at its end.
func handedBack(ctx context.Context) (context.Context, func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(job.ErrHandBack) })
	return working, func() {
		stop()
		cancel(nil)
	}
}

// plan reads the job and validates it for its organization.
func (c *runCommand) plan(ctx context.Context, sys System, cfg *config.Config) (rolecall.Plan, error) {
	org, err := organization(cfg, c.Org)
	if err != nil {
		return rolecall.Plan{}, err
	}
	data, err := read(ctx, sys, c.Job, rolecall.MaxJobBytes)
	if err != nil {
		return rolecall.Plan{}, err
	}
	plan, err := rolecall.ReadPlan(data, org, cfg.Vendor, c.Principal)
	if err != nil {
		return plan, inFile(c.Job, data, err)
	}
	return plan, nil
}

func organization(cfg *config.Config, name string) (rolecall.Organization, error) {
	names := sortedKeys(cfg.Organizations)
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	org, ok := cfg.Organizations[name]
	switch {
	case ok:
		return org, nil
	case name == "":
		return org, &rolecall.Error{Code: rolecall.Invalid, Message: "the job needs an organization", Hint: "You: give --org; declared: " + orNone(names)}
	}
	return org, &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no organization %q", name), Hint: "You: name one that is declared: " + orNone(names)}
}

// directory opens the working directory, and returns what to do at the end.
func (c *runCommand) directory(out *output) (*os.Root, func(), error) {
	path, temporary := c.Workdir, c.Workdir == ""
	var err error
	if temporary {
		if path, err = os.MkdirTemp("", "rolecall-"); err != nil {
			return nil, nil, unfit(os.TempDir(), err)
		}
		out.left.Store(&path)
	} else {
		err = os.MkdirAll(path, 0o700)
	}
	var root *os.Root
	if err == nil {
		root, err = os.OpenRoot(path)
	}
	if err != nil {
		return nil, nil, unfit(path, err)
	}
	return root, func() {
		_ = root.Close() // read only
		switch {
		case !temporary:
		case c.Keep:
			out.note("the working directory is kept: %s", path)
		default:
			if err := os.RemoveAll(path); err != nil {
				out.note("the working directory could not be removed: %s", path)
			}
		}
	}, nil
}

// report prints a job as it ended. Its errors are part of it.
func (o *output) report(r rolecall.JobReport) error {
	o.causes(r.Errors)
	r.Errors = r.Errors.Disclosed()
	for i := range r.Tasks {
		r.Tasks[i].Errors = r.Tasks[i].Errors.Disclosed()
	}
	if o.json {
		if err := o.document(r); err != nil {
			return err
		}
	} else {
		var rows [][]string
		for _, t := range r.Tasks {
			rows = append(rows, []string{
				fmt.Sprintf("  task %d", t.Index), t.Tool, strings.ToLower(t.StatusText), fmt.Sprintf("%d files", t.Files), size(t.Bytes), printable(t.Name),
			})
		}
		head := "job " + r.ID + " " + strings.ToLower(r.StatusText)
		if o.wide > 0 {
			head = fitted(head, o.wide)
		}
		_, _ = io.WriteString(o.stdout, head+"\n"+o.rows(rows))
		o.errors(r.Errors)
	}
	if code := jobExitCode(r); code != exitDone {
		return shown(code)
	}
	return nil
}
