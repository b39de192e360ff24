package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
)

type serveCommand struct {
	Config  string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default. It need not exist."`
	Listen  string `placeholder:"ADDR" help:"Address to listen on, in place of the config's; port 0 is any free one."`
	Verbose bool   `short:"v" help:"Log what happens on stderr."`
}

// Run serves until it is interrupted, which is its regular end. The line on
// stdout says that it is ready. SIGHUP has it read the config again.
func (c *serveCommand) Run(ctx context.Context, sys System, out *output) error {
	load := func() (*config.Config, error) {
		cfg, err := loaded(ctx, sys, config.LoadServe, c.Config)
		if err != nil {
			return nil, err
		}
		exposed(ctx, sys, cfg, out)
		cfg.Serve.Listen = cmp.Or(c.Listen, cfg.Serve.Listen)
		return cfg, nil
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	err = server.Run(ctx, server.Options{
		Config: cfg, Version: version(), Log: out.serviceLogger(c.Verbose), Again: again, Load: load, Terminal: out.wideErr > 0,
		Ready: func(s server.Started) {
			for _, g := range s.Made {
				out.note("made the external id %s of the organization %s; it is kept in the database: back that up", g.ID, g.Organization)
			}
			for _, note := range s.Notes {
				out.note("%s", note)
			}
			if out.json {
				err = errors.Join(err, out.document(map[string]string{"url": s.URL}))
				return
			}
			out.printf("%s\n", s.URL)
		},
	})
	return err
}
