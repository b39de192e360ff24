package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
)

// Beside opens the service of a config without serving: for commands on its
// machine, while it may serve. The code of its error is NotFound where no
// service keeps its database. Close what it returns.
func Beside(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Opened, error) {
	dir, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	if cfg.Serve.DatabaseURL == "" && !dir.HasDatabase() {
		return nil, &rolecall.Error{
			Code: rolecall.NotFound, Message: "no service keeps its database in the state directory " + cfg.State,
			Hint: "You: give the service's config with --config. Operator: start rolecall serve first",
		}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	db, keyring, err := openDatabase(ctx, cfg, dir, log)
	if err != nil {
		return nil, err
	}
	url, err := dir.ServeURL()
	if cfg.Serve.PublicURL != nil {
		url = cfg.Serve.PublicURL.String()
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Opened{
		Service: service.New(service.Options{Store: db, Settings: service.Settings{Vendor: cfg.Vendor}, Keyring: keyring, URL: url, Log: log}), store: db, dir: dir, config: cfg,
	}, nil
}

// Opened is the service of a config, opened by Beside.
type Opened struct {
	Service *service.Service
	store   *store.Store
	dir     *state.Dir
	config  *config.Config
}

// Close closes it.
func (o *Opened) Close() error {
	o.Service.Close()
	return o.store.Close()
}

// VerifyAudit checks all audit records, also against the heads that are kept
// outside the database.
func (o *Opened) VerifyAudit(ctx context.Context) ([]service.Finding, error) {
	serving := o.dir.Serving() // before the records are read
	kept, err := o.dir.AuditHeads()
	if err != nil {
		return nil, err
	}
	return o.Service.VerifyAudit(ctx, kept, serving)
}

// RotateSealing makes a new sealing key, and wraps all data keys under it. It
// returns how many.
func (o *Opened) RotateSealing(ctx context.Context) (int, error) {
	return o.Service.RotateSealing(ctx, func() (*seal.Keys, error) {
		keys, err := sealingKeys(o.config, o.dir)
		if err != nil {
			return nil, err
		}
		if keys, err = keys.Rotated(); err != nil {
			return nil, err
		}
		text, err := keys.Text()
		if err != nil {
			return nil, err
		}
		// The file first: what is wrapped under the new key can be opened then.
		path, err := filepath.EvalSymlinks(sealingFile(o.config, o.dir)) // a link, as to a mounted secret, stays one
		if err != nil {
			return nil, fmt.Errorf("find sealing keys: %w", err)
		}
		if err := state.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("write sealing keys: %w", err)
		}
		return keys, nil
	})
}

func sealingFile(cfg *config.Config, dir *state.Dir) string {
	if cfg.Serve.SealingFile != "" {
		return cfg.Serve.SealingFile
	}
	return dir.SealingFile()
}

// sealingKeys reads the sealing keys, and makes them in the state directory
// where the config names no file.
func sealingKeys(cfg *config.Config, dir *state.Dir) (*seal.Keys, error) {
	if path := cfg.Serve.SealingFile; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, &rolecall.Error{
				Code: rolecall.Invalid, Pointer: "/sealing/key_file", Message: "cannot read " + path, Err: err,
				Hint: "Operator: restore the file, or leave sealing out to have one made in the state directory",
			}
		}
		return seal.Read(text)
	}
	var failed error
	text, err := dir.SealingKeys(func() []byte {
		keys, err := seal.New()
		if err != nil {
			failed = err
			return nil
		}
		text, err := keys.Text()
		failed = err
		return text
	})
	if err := errors.Join(failed, err); err != nil {
		return nil, err
	}
	return seal.Read(text)
}
