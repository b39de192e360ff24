package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/vend"
	"github.com/rolecall/rolecall/internal/worker"
)

// toolFlags say for which tool credentials are meant.
type toolFlags struct {
	Org       string        `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	Principal string        `placeholder:"NAME" help:"Principal to work as; else the one of the connection's region, else the default."`
	Config    string        `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
	Access    string        `enum:"read,write" default:"read" placeholder:"ACCESS" help:"What may be done: read, or write, which reads too; ${default} by default."`
	Prefix    string        `placeholder:"PREFIX" help:"Only what is below this, itself below the connection's prefix."`
	Duration  time.Duration `placeholder:"TIME" help:"How long a session lasts, 30m to 12h; else as the connection says, else 1h."`
	Verbose   bool          `short:"v" help:"Log what happens on stderr."`
}

// grant checks what is asked for against the connection's rules.
func (f *toolFlags) grant(cfg *config.Config, name, label string) (vend.Grant, error) {
	org, c, err := connection(cfg, f.Org, name)
	if err != nil {
		return vend.Grant{}, err
	}
	return vend.Plan(vend.Request{
		Organization: org, Vendor: cfg.Vendor, Principal: f.Principal, Connection: c.Name,
		Access: vend.Access(f.Access), Prefix: f.Prefix, Duration: f.Duration, Label: label,
	})
}

// work is what the audit records of the service say of it.
func (f *toolFlags) work(g vend.Grant, connection, command string) service.HostWork {
	return service.HostWork{
		Action: account.CredentialsVend, Organization: g.Organization, Connection: connection, Command: command,
		Target: fmt.Sprintf("connections/%s %s %s", connection, f.Access, f.Prefix),
	}
}

type credentialsCommand struct {
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection, as the config names it."`
	toolFlags
	serverFlags
}

// Run prints credentials for one tool, as credential_process takes them,
// whatever the form of output.
func (c *credentialsCommand) Run(ctx context.Context, sys System, out *output) error {
	if c.remoteConnection(sys) {
		return c.ask(ctx, sys, out)
	}
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }()
	exposed(ctx, sys, cfg, out)
	grant, err := c.grant(cfg, c.Connection, "credentials")
	if err != nil {
		return err
	}
	verdicts, err := registry.Verdicts()
	if err != nil {
		return err
	}
	vended := c.work(grant, c.Connection, "credentials")
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{
		Log: out.logger(c.Verbose).With("connection", c.Connection), Intent: registry.Sessions(func(credential.Event) service.HostWork { return vended }),
	})
	if err != nil {
		return err
	}
	defer work.Close()
	if err := registry.Record(ctx, vended); err != nil {
		return err
	}
	access := work.Access(grant.Organization)
	region, err := grant.Region(ctx, access)
	if err != nil {
		return err
	}
	provider, err := grant.Provider(access, region)
	if err != nil {
		return err
	}
	credentials, err := vend.NewSource(provider, nil).Retrieve(ctx)
	if err != nil {
		return err
	}
	text, err := vend.Process(credentials)
	if err != nil {
		return err
	}
	out.wrote = true
	out.printf("%s\n", text)
	return nil
}

// ask prints credentials that the service gives out.
func (c *credentialsCommand) ask(ctx context.Context, sys System, out *output) error {
	if err := onlyHere(map[string]bool{"principal": c.Principal != "", "duration": c.Duration != 0}); err != nil {
		return err
	}
	asked, err := c.dial(sys)
	if err != nil {
		return err
	}
	org, err := whose(ctx, asked, c.Org)
	if err != nil { // a token for credentials may not ask whose it is
		return &rolecall.Error{Code: rolecall.CodeOf(err), Message: "whose connection is it?", Hint: "You: give --org", Err: err}
	}
	text, err := asked.Credentials(ctx, org, c.Connection, client.CredentialsRequest{Access: c.Access, Prefix: c.Prefix})
	if err != nil {
		return err
	}
	if err := plain(text); err != nil {
		return err
	}
	out.wrote = true
	out.printf("%s\n", strings.TrimSpace(string(text)))
	return nil
}
