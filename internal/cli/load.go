package cli

import (
	"context"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
)

// loadConfig reads the config, opens its state directory and registers the names of
// its organizations there. It says which external ids it made. Load is
// config.Load or config.LoadTolerant.
func loadConfig(ctx context.Context, out *output, load func(path string) (*config.Config, error), path string) (*config.Config, *state.Dir, error) {
	cfg, err := load(path)
	if err != nil {
		return nil, nil, err
	}
	dir, err := state.Open(cfg.State)
	if err != nil {
		return cfg, dir, err
	}
	made, err := tenant.Register(ctx, dir.Names(), cfg.Organizations)
	for _, g := range made {
		out.note("made the external id %s of the organization %s; it is kept in %s: back that up, since no other state directory has it", g.ID, g.Organization, g.Record)
	}
	return cfg, dir, err
}

// readConfig reads the config and what the state directory has of it, and
// writes nothing. External ids that are still to be made stay empty.
func readConfig(ctx context.Context, path string) (*config.Config, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	dir, err := state.Open(cfg.State)
	if err == nil {
		err = tenant.Read(ctx, dir.Names(), cfg.Organizations)
	}
	return cfg, err
}
