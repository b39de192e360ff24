package cli

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/task"
)

// environment makes what tasks work with in local runs of this config, with
// the verdicts in the state directory, for jobs that run as the principals.
// Only their credentials are needed. Close the vault at the end.
func environment(ctx context.Context, cfg *config.Config, principals []string, log *slog.Logger, onEvent func(credential.Event)) (task.Environment, error) {
	declared := map[string]credential.Declared{}
	for _, name := range principals {
		declare(declared, cfg, name)
	}
	opened, err := credential.Open(ctx, declared, credential.SourceOptions{STSEndpoint: cfg.Endpoints.STS})
	if err != nil {
		return task.Environment{}, err
	}
	verdicts, err := credential.OpenDir(filepath.Join(cfg.State, "verdicts"))
	if err != nil {
		return task.Environment{}, &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/state", Message: "cannot keep verdicts in the state directory " + cfg.State,
			Hint: "make it writable, or give another directory as state", Err: err,
		}
	}
	vault := credential.New(credential.Options{
		Principals: opened, VendorAccounts: cfg.Vendor.Accounts, Verdicts: verdicts,
		Secrets:     func(_ context.Context, org, name string) (credential.Keys, error) { return cfg.Keys(org, name) },
		STSEndpoint: cfg.Endpoints.STS, Log: log, OnEvent: onEvent,
	})
	return task.Environment{Vault: vault, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow, Log: log}, nil
}

// declare adds a principal, and those that its credentials come from.
func declare(to map[string]credential.Declared, cfg *config.Config, name string) {
	p, known := cfg.Vendor.Principals[name]
	if _, done := to[name]; done || !known {
		return
	}
	to[name] = credential.Declared{Principal: p, Source: cfg.Sources[name]}
	declare(to, cfg, to[name].Source.Principal)
}
