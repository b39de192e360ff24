package cli

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
)

// openVault makes the vault of a config for local runs, with its verdicts in
// the state directory. OnEvent may be nil.
func openVault(ctx context.Context, cfg *config.Config, log *slog.Logger, onEvent func(credential.Event)) (*credential.Vault, error) {
	declared := map[string]credential.Declared{}
	for name, p := range cfg.Vendor.Principals {
		declared[name] = credential.Declared{Principal: p, Source: cfg.Sources[name]}
	}
	principals, err := credential.Open(ctx, declared, credential.SourceOptions{STSEndpoint: cfg.Endpoints.STS})
	if err != nil {
		return nil, err
	}
	verdicts, err := credential.OpenDir(filepath.Join(cfg.State, "verdicts"))
	if err != nil {
		return nil, &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/state", Message: "cannot keep verdicts in the state directory " + cfg.State,
			Hint: "make it writable, or give another directory as state", Err: err,
		}
	}
	return credential.New(credential.Options{
		Principals: principals, VendorAccounts: cfg.Vendor.Accounts, Verdicts: verdicts,
		Secrets:     func(_ context.Context, org, name string) (credential.Keys, error) { return cfg.Keys(org, name) },
		STSEndpoint: cfg.Endpoints.STS, Log: log, OnEvent: onEvent,
	}), nil
}
