package cli

import (
	"context"
	"log/slog"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/task"
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

// environment makes what tasks work with in local runs of this config, with
// the verdicts in the state directory. OnEvent may be nil. Close the vault at
// the end.
func environment(cfg *config.Config, dir *state.Dir, log *slog.Logger, onEvent func(credential.Event)) (task.Environment, error) {
	declared := map[string]credential.Declared{}
	for name, p := range cfg.Vendor.Principals {
		declared[name] = credential.Declared{Principal: p, Source: cfg.Sources[name]}
	}
	opened, err := credential.Open(declared, credential.SourceOptions{STSEndpoint: cfg.Endpoints.STS})
	if err != nil {
		return task.Environment{}, err
	}
	verdicts, err := dir.Verdicts(log)
	if err != nil {
		return task.Environment{}, err
	}
	vault, err := credential.New(credential.Options{
		Principals: opened, VendorAccounts: cfg.Vendor.Accounts, Verdicts: verdicts,
		Secrets: cfg.Keys, Bearers: cfg.Bearer, Tenants: guard.NewClients(cfg.Allow).Tenant,
		STSEndpoint: cfg.Endpoints.STS, Log: log, OnEvent: logged(log, onEvent),
	})
	return task.Environment{Vault: vault, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow, Log: log}, err
}

// logged logs what a vault does, and tells next of it, which may be nil. Events
// hold no secrets and no external ids. Drift is logged by the vault itself.
func logged(log *slog.Logger, next func(credential.Event)) func(credential.Event) {
	return func(e credential.Event) {
		if next != nil {
			next(e)
		}
		about := []any{"org", e.Organization, "principal", e.Principal, "role", e.RoleARN}
		if e.SessionName != "" { // no dispenser's
			about = append(about, "session", e.SessionName)
		}
		log, ctx := log.With(about...), context.Background()
		switch e.Kind {
		case credential.EventProbe:
			log.DebugContext(ctx, "probed", "probe", e.Probe.Name, "outcome", e.Probe.Outcome)
		case credential.EventProof:
			log.InfoContext(ctx, "proved", "passed", e.Passed)
		case credential.EventAssume:
			log.InfoContext(ctx, "role assumed", "region", e.Region, "expires", e.Expires)
		case credential.EventDispense:
			log.InfoContext(ctx, "credentials dispensed", "expires", e.Expires)
		}
	}
}
