package cli

import (
	"context"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
)

// loadConfig reads the config, opens its registry and registers the names of its
// organizations there. It says which external ids it made. Load is config.Load or
// config.LoadTolerant. Close the registry.
func loadConfig(ctx context.Context, sys System, out *output, load func(path string) (*config.Config, error), path string) (*config.Config, *server.Registry, error) {
	cfg, err := loaded(ctx, sys, load, path)
	if err != nil {
		return nil, nil, err
	}
	registry, err := server.OpenRegistry(ctx, cfg, out.logger(false))
	if err != nil {
		return nil, nil, err
	}
	made, err := registry.Register(ctx, cfg.Organizations)
	for _, g := range made {
		out.note("made the external id %s of the organization %s; it is kept in %s: back that up, since nothing else has it", g.ID, g.Organization, g.Record)
	}
	if err != nil {
		_ = registry.Close() // nothing was begun
		return nil, nil, err
	}
	return cfg, registry, nil
}

// readConfig reads the config and what the registry has of it, and writes
// nothing. External ids that are still to be made stay empty.
func readConfig(ctx context.Context, sys System, path string) (*config.Config, error) {
	cfg, err := loaded(ctx, sys, config.Load, path)
	if err != nil {
		return nil, err
	}
	return cfg, server.ReadRegistry(ctx, cfg)
}
