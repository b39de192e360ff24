package cli

import (
	"context"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/worker"
)

type releaseCommand struct {
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection, as the config names it."`
	Org        string `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	Config     string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
}

// release is the result: what is no longer claimed.
type release struct {
	Organization string `json:"organization"`
	Connection   string `json:"connection"`
	Released     string `json:"released"` // role ARN or dispenser URL
}

// Run ends the organization's claim on the connection's role or dispenser.
func (c *releaseCommand) Run(ctx context.Context, sys System, out *output) error {
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }()
	org, conn, err := connection(cfg, c.Org, c.Connection)
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
	released, err := work.Release(ctx, org, conn)
	if err != nil {
		return err
	}
	done := release{Organization: org.APIName, Connection: conn.Name, Released: released}
	if out.json {
		return out.document(done)
	}
	out.printf("%s has no claim on %s any more; work that uses it stops\n", done.Organization, done.Released)
	return nil
}
