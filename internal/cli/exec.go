package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/vend"
	"github.com/rolecall/rolecall/internal/worker"
)

type execCommand struct {
	Connection string   `arg:"" placeholder:"CONNECTION" help:"The connection, as the config names it."`
	Command    []string `arg:"" passthrough:"" placeholder:"COMMAND" help:"The command to run and its arguments, after --."`
	toolFlags
	Form        string `enum:"container,environment" default:"container" placeholder:"FORM" help:"How the command gets credentials: from a container endpoint, which renews them, or in its environment, which does not; ${default} by default."`
	EndpointURL string `placeholder:"URL" help:"Where the command reaches S3, instead of what the connection says."`
}

// Run runs the command and ends with its exit code.
func (c *execCommand) Run(outer context.Context, sys System, out *output) error {
	// Until the command runs, a signal is for rolecall; from then on for it.
	ctx, stop := interruptible(outer, sys, out)
	var ready prepared
	defer ready.end()
	err := c.prepare(ctx, &ready, sys, out)
	interrupted := errors.Is(context.Cause(ctx), errInterrupted)
	stop()
	switch {
	case err != nil && !(interrupted && errors.Is(err, context.Canceled)):
		return err
	case interrupted:
		return shown(exitInterrupted)
	}
	return follow(ready.command, sys, out)
}

// prepared is a command that is ready to start, and what is to end after it.
type prepared struct {
	command *exec.Cmd
	ends    []func()
}

func (p *prepared) end() {
	for _, end := range slices.Backward(p.ends) {
		end()
	}
}

// prepare gets the command's first credentials and makes it ready to start.
func (c *execCommand) prepare(ctx context.Context, p *prepared, sys System, out *output) error {
	if len(c.Command) > 0 && c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	if len(c.Command) == 0 {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "there is no command to run", Hint: "You: write rolecall exec CONNECTION -- COMMAND ARGUMENTS"}
	}
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return err
	}
	p.ends = append(p.ends, func() { _ = registry.Close() })
	exposed(ctx, sys, cfg, out)
	grant, err := c.grant(cfg, c.Connection, "exec")
	if err != nil {
		return err
	}
	if u, err := url.Parse(c.EndpointURL); c.EndpointURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "--endpoint-url is not an http or https URL", Hint: "You: write it as https://s3.example.com"}
	}
	verdicts, err := registry.Verdicts()
	if err != nil {
		return err
	}
	vended := c.work(grant, c.Connection, "exec")
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{
		Log: out.logger(c.Verbose).With("connection", c.Connection), Intent: registry.Sessions(func(credential.Event) service.HostWork { return vended }),
	})
	if err != nil {
		return err
	}
	p.ends = append(p.ends, work.Close)
	if err := registry.Record(ctx, vended); err != nil {
		return err
	}
	access := work.Access(grant.Organization)
	at, err := grant.Locate(ctx, access, c.EndpointURL)
	if err != nil {
		return err
	}
	provider, err := grant.Provider(access, at.Region)
	if err != nil {
		return err
	}
	around := vend.NewEnvironment(os.Environ(), cfg.SecretVariables(), grant, at.Region, at.Endpoint)
	variables, err := c.vend(ctx, p, access.Vault, provider, around, out)
	if err != nil {
		return err
	}
	if err := hide(); err != nil {
		return &rolecall.Error{
			Code: rolecall.Internal, Message: "the principals' keys cannot be hidden from the command",
			Hint: "Operator: let the sandbox that rolecall runs in allow prctl, or run the command with `rolecall credentials`", Err: err,
		}
	}
	p.command = exec.Command(c.Command[0], c.Command[1:]...) //nolint:gosec,noctx // G204: running it is what was asked for; signals end it, not a context
	p.command.Env, p.command.Stdin, p.command.Stdout, p.command.Stderr = variables, sys.Stdin, sys.Stdout, sys.Stderr
	return nil
}

// vend puts credentials, or the way to them, into the environment.
func (c *execCommand) vend(ctx context.Context, p *prepared, vault *credential.Vault, from *credential.Provider, around vend.Environment, out *output) ([]string, error) {
	source := vend.NewSource(from, nil)
	// Taken now, so that the command starts only where it can work, and finds
	// a role proved: SDKs wait a second or two.
	first, err := source.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if c.Form == "environment" {
		out.note("the command's credentials end at %s and are not renewed", first.Expires.Local().Format(time.TimeOnly))
		return around.Static(first), nil
	}
	claim, release := vault.Hold(context.WithoutCancel(ctx), from)
	p.ends = append(p.ends, release)
	reports := &reporter{out: out}
	endpoint, err := vend.Listen(claim, source, reports.report)
	if err != nil {
		return nil, err
	}
	p.ends = append(p.ends, func() { _ = endpoint.Close() }) // nothing is left to lose
	return around.Container(endpoint), nil
}

// reporter prints why a running command gets no credentials: the command itself
// says little. The same is not printed twice in a row.
type reporter struct {
	out  *output
	mu   sync.Mutex
	last string
}

func (t *reporter) report(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	errs := rolecall.List(err)
	if text := errs.Error(); text != t.last {
		t.last = text
		t.out.causes(errs)
		t.out.errors(errs)
	}
}
