package cli

import (
	"context"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
)

// loadConfig reads the config, opens its state directory and registers the names of
// its organizations there. Load is config.Load or config.LoadTolerant.
func loadConfig(ctx context.Context, load func(path string) (*config.Config, error), path string) (*config.Config, *state.Dir, error) {
	cfg, err := load(path)
	if err != nil {
		return nil, nil, err
	}
	dir, err := state.Open(cfg.State)
	if err == nil {
		err = tenant.Register(ctx, dir.Names(), cfg.Organizations)
	}
	return cfg, dir, err
}
