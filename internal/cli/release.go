package cli

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/worker"
)

type releaseCommand struct {
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection: one that the config declares, or that was made over the API of its service."`
	Org        string `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	serverFlags
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
}

// release is the result: what is no longer claimed.
type release struct {
	Organization string `json:"organization"`
	Connection   string `json:"connection"`
	Released     string `json:"released"` // role ARN or dispenser URL
}

// Run ends the organization's claim on the connection's role or dispenser.
func (c *releaseCommand) Run(ctx context.Context, sys System, out *output) error {
	if c.remoteConnection(sys) {
		return c.ask(ctx, sys, out)
	}
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }()
	org, conn, err := c.find(ctx, cfg, registry)
	if err != nil {
		return err
	}
	verdicts, err := registry.Verdicts()
	if err != nil {
		return err
	}
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{Log: out.logger(false)})
	if err != nil {
		return err
	}
	defer work.Close()
	if err := registry.Record(ctx, service.HostWork{
		Action: account.ConnectionRelease, Organization: org.APIName, Connection: conn.Name, Target: "connections/" + conn.Name, Command: "connection release",
	}); err != nil {
		return err
	}
	released, err := work.Release(ctx, org, conn)
	if err != nil {
		return err
	}
	return release{Organization: org.APIName, Connection: conn.Name, Released: released}.print(out)
}

// find finds the connection: the config declares it, or it was made over the API
// of the service whose config it is.
func (c *releaseCommand) find(ctx context.Context, cfg *config.Config, registry *server.Registry) (rolecall.Organization, rolecall.Connection, error) {
	made, err := registry.Made(ctx, c.Org, c.Connection)
	if err != nil {
		return rolecall.Organization{}, rolecall.Connection{}, err
	}
	org, conn, err := connection(cfg, c.Org, c.Connection)
	declared := rolecall.CodeOf(err) != rolecall.NotFound // one or several
	switch {
	case len(made) == 0:
		return org, conn, err
	case len(made) == 1 && !declared:
		return made[0], made[0].Connections[c.Connection], nil
	}
	var having []string
	for _, o := range made {
		having = append(having, o.APIName)
	}
	return org, conn, &rolecall.Error{
		Code: rolecall.Invalid, Message: fmt.Sprintf("several organizations have a connection %q", c.Connection), Hint: "You: give --org; made over the API: " + orNone(having),
	}
}

// ask has the service do it.
func (c *releaseCommand) ask(ctx context.Context, sys System, out *output) error {
	service, org, err := orgFlags{c.serverFlags, c.Org}.open(ctx, sys)
	if err != nil {
		return err
	}
	of, err := service.Connection(ctx, org, c.Connection)
	if err != nil {
		return err
	}
	if err := service.ReleaseConnection(ctx, org, c.Connection); err != nil {
		return err
	}
	claimed := of.RoleARN
	if of.HTTPCredentialSource != nil {
		claimed = of.HTTPCredentialSource.Normal().URL
	}
	return release{Organization: org, Connection: c.Connection, Released: claimed}.print(out)
}

func (done release) print(out *output) error {
	if out.json {
		return out.document(done)
	}
	out.printf("%s has no claim on %s any more; work that uses it stops\n", done.Organization, done.Released)
	return nil
}
