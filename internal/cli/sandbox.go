package cli

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/rolecall/rolecall/sandbox"
)

type sandboxCommand struct {
	Config  string `placeholder:"FILE" default:"sandbox.yaml" help:"The accounts with their roles, buckets, keys and faults (default: ${default})."`
	Listen  string `placeholder:"ADDR" default:"127.0.0.1:0" help:"Address to listen on; port 0 is any free one (default: ${default})."`
	Verbose bool   `short:"v" help:"Log each request on stderr."`
}

// Run serves until it is interrupted, which is its regular end. The line on
// stdout says that it is ready.
func (c *sandboxCommand) Run(ctx context.Context, sys System, out *output) (err error) {
	cfg, err := loaded(ctx, sys, sandbox.LoadConfig, c.Config)
	if err != nil {
		return err
	}
	server, err := sandbox.Start(ctx, cfg, sandbox.Options{Listen: c.Listen, Log: out.logger(c.Verbose)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if out.json {
		if err := json.NewEncoder(out.stdout).Encode(map[string]string{"url": server.URL}); err != nil {
			return err
		}
	} else {
		out.printf("%s\n", server.URL)
	}
	<-ctx.Done()
	return nil
}
