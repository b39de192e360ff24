package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/dispenser"
)

type dispenserCommand struct {
	Config string `placeholder:"FILE" default:"dispenser.yaml" help:"Who may ask, and for what (default: ${default})."`
}

// Run serves until it is interrupted, which is its regular end. The line on
// stdout, the address, says that it is ready; stderr is the log of what was
// vended and refused, one JSON document a line.
func (c *dispenserCommand) Run(ctx context.Context, sys System, out *output) error {
	cfg, err := loaded(ctx, sys, func(path string) (*dispenser.Config, error) { return dispenser.Load(path, sys.Getenv) }, c.Config)
	if err != nil {
		return err
	}
	d, err := dispenser.New(cfg, dispenser.Options{Log: slog.New(slog.NewJSONHandler(out.stderr, nil))})
	if err != nil {
		return err
	}
	defer d.Close()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return &rolecall.Error{Code: rolecall.Unavailable, Message: err.Error(), Hint: "You: choose another address as listen", Err: err}
	}
	if address := l.Addr().String(); !out.json {
		out.printf("%s\n", address)
	} else if err := json.NewEncoder(out.stdout).Encode(map[string]string{"address": address}); err != nil {
		return err
	}
	return d.Serve(ctx, l)
}
