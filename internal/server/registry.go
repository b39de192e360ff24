package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Registry is the one place where a config's names, external ids, claims,
// verdicts, keys of journals and records of checks are kept: files of the state
// directory, until rolecall serve has taken them over; from then on its
// database. OpenRegistry opens it, for commands on the service's machine. Close
// it.
type Registry struct {
	dir *state.Dir
	log *slog.Logger
	end func() // of what is kept in files

	db      *store.Store // nil: files
	keyring *service.Keyring
	vendor  rolecall.Vendor
}

// OpenRegistry opens the registry of a config: it may be a database that a
// service has open. The log may be nil.
func OpenRegistry(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Registry, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	r := &Registry{dir: dir, log: log, end: func() {}, vendor: cfg.Vendor}
	kept, err := keptIn(cfg, dir)
	if err != nil {
		return nil, err
	}
	if !kept {
		// Nobody takes the directory over while this holds; one that did
		// until now has left its mark.
		if r.end, err = dir.BeginLocal(ctx); err != nil {
			return nil, err
		}
		if kept, err = keptIn(cfg, dir); err != nil || !kept {
			if err != nil {
				r.end()
			}
			return r, err
		}
		r.end()
		r.end = func() {}
	}
	r.db, r.keyring, err = openDatabase(ctx, cfg, dir, log)
	return r, err
}

// ReadRegistry fills in the external ids that the registry of a config has for
// its organizations, and writes nothing: see tenant.Read.
func ReadRegistry(ctx context.Context, cfg *config.Config) error {
	dir, err := state.Open(cfg.State)
	if err != nil {
		return err
	}
	kept, err := keptIn(cfg, dir)
	if err != nil {
		return err
	}
	if !kept {
		return tenant.Read(ctx, dir.Names(), cfg.Organizations)
	}
	db, _, err := openDatabase(ctx, cfg, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(service.Read(ctx, db, cfg.Organizations), db.Close())
}

// Close closes the registry.
func (r *Registry) Close() error {
	r.end()
	if r.db == nil {
		return nil
	}
	return r.db.Close()
}

// Register fills in the external ids of declared organizations, and takes their
// names: see tenant.Register.
func (r *Registry) Register(ctx context.Context, declared map[string]rolecall.Organization) ([]tenant.Generated, error) {
	if r.db == nil {
		return tenant.Register(ctx, r.dir.Names(), declared)
	}
	return service.Register(ctx, r.db, declared)
}

// Verdicts returns the store of verdicts, claims and pins.
func (r *Registry) Verdicts() (credential.Verdicts, error) {
	if r.db == nil {
		return r.dir.Verdicts(r.log)
	}
	return r.db.Verdicts(), nil
}

// Checks returns the records of checks.
func (r *Registry) Checks() check.Records {
	if r.db == nil {
		return r.dir.Checks()
	}
	return &service.LocalChecks{Store: r.db, Vendor: r.vendor}
}

// Record leaves an audit record of work, before it begins or of what was given
// out, and returns why it may not begin, where a service has the registry.
func (r *Registry) Record(ctx context.Context, w service.HostWork) error {
	if r.db == nil {
		return nil
	}
	return service.RecordHostWork(ctx, r.db, w)
}

// Sessions returns a function that leaves audit records of the sessions of work,
// for worker.Local, where a service has the registry. Of says which work an
// event is of.
func (r *Registry) Sessions(of func(credential.Event) service.HostWork) func(context.Context, credential.Event) error {
	if r.db == nil {
		return nil
	}
	return func(ctx context.Context, e credential.Event) error {
		return service.RecordHostSession(ctx, r.db, of(e), e)
	}
}

// Made returns the organizations that have a connection of the name which was
// made over the API of a service that has the registry, each with that
// connection alone; of one organization only, if that is not empty.
func (r *Registry) Made(ctx context.Context, organization, connection string) ([]rolecall.Organization, error) {
	if r.db == nil {
		return nil, nil
	}
	return service.MadeConnections(ctx, r.db, organization, connection)
}

// JournalKey returns the key that journals of an organization's jobs are sealed
// with.
func (r *Registry) JournalKey(ctx context.Context, organization string) ([]byte, error) {
	if r.db == nil {
		return r.dir.JournalKey(organization)
	}
	return service.JournalKey(ctx, r.db, r.keyring, organization)
}

// inDirectory is the id by which the SQLite database of a state directory knows
// that directory.
const inDirectory = "."

// keptIn reports whether the registry of a config is in its database. Its error
// is Conflict if the directory's is in another one, or in one that is missing.
func keptIn(cfg *config.Config, dir *state.Dir) (bool, error) {
	mark, err := dir.Registry()
	if err != nil {
		return false, err
	}
	refuse := func(message, hint string) (bool, error) {
		return false, &rolecall.Error{Code: rolecall.Conflict, Pointer: "/database", Message: message, Hint: hint}
	}
	url := cfg.Serve.DatabaseURL
	switch {
	case mark == state.Registry{}:
		if url != "" && dir.HasDatabase() {
			return refuse("the state directory "+cfg.State+" has a database of its own, and the config names another",
				"Operator: leave database out, or name another state directory: a database does not move by itself")
		}
		return url != "" || dir.HasDatabase(), nil
	case mark.Engine == postgreSQL && url == "":
		return refuse("the external ids and claims of the state directory "+cfg.State+" are in a PostgreSQL database, which the config does not name",
			"Operator: declare it as database: {url_env: NAME}")
	case mark.Engine == sqlite && url != "":
		return refuse("the external ids and claims of the state directory "+cfg.State+" are in its own database, and the config names another",
			"Operator: leave database out, or name another state directory: a database does not move by itself")
	case mark.Engine == sqlite && !dir.HasDatabase():
		return refuse("the database of the state directory "+cfg.State+" is missing, which has its external ids and claims",
			"Operator: restore rolecall.db there from a backup")
	}
	return true, nil
}

// The engines, as state.Registry names them.
const (
	sqlite     = "SQLite"
	postgreSQL = "PostgreSQL"
)

// openDatabase opens the database of a config, with the keys that it is sealed
// under. It makes it, and takes over the state directory, where that was not done
// yet.
func openDatabase(ctx context.Context, cfg *config.Config, dir *state.Dir, log *slog.Logger) (db *store.Store, keyring *service.Keyring, err error) {
	if _, err := keptIn(cfg, dir); err != nil {
		return nil, nil, err
	}
	o, engine, locked := store.Options{URL: cfg.Serve.DatabaseURL, Log: log}, postgreSQL, false
	if o.URL == "" {
		engine = sqlite
		if locked = !dir.HasDatabase(); locked { // before there is one: local runs go by its file
			end, err := dir.BeginTakeOver(ctx)
			if err != nil {
				return nil, nil, err
			}
			defer end()
		}
		if o.Path, err = dir.Database(); err != nil {
			return nil, nil, err
		}
	}
	if db, err = store.Open(ctx, o); err != nil {
		return nil, nil, err
	}
	if keyring, err = openKeyring(ctx, db, cfg, dir); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err := takeOver(ctx, db, keyring, dir, place{engine, locked, log}); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, keyring, nil
}

// openKeyring returns the keys that a database is sealed under. They are made only
// for one under which nothing is sealed yet; the error is Conflict if they are
// missing, or others.
func openKeyring(ctx context.Context, db *store.Store, cfg *config.Config, dir *state.Dir) (*service.Keyring, error) {
	sealed, err := service.IsSealed(ctx, db)
	if err != nil {
		return nil, err
	}
	if path := sealingFile(cfg, dir); sealed {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: "/sealing/key_file", Message: "the sealing key that the database was sealed under is missing: " + path,
				Hint: "Operator: restore that file; a service that still runs has the key: do not stop it",
			}
		}
	}
	keyring, err := service.NewKeyring(func() (*seal.Keys, error) { return sealingKeys(cfg, dir) })
	if err != nil {
		return nil, err
	}
	return keyring, keyring.Prove(ctx, db)
}

// place is the database that takes a state directory over.
type place struct {
	engine string
	locked bool // local runs are kept away already
	log    *slog.Logger
}

// takeOver moves what local runs kept in the state directory to the database,
// once.
func takeOver(ctx context.Context, db *store.Store, keyring *service.Keyring, dir *state.Dir, at place) error {
	engine, log := at.engine, at.log
	mark, err := dir.Registry()
	if err != nil {
		return err
	}
	directory := mark.Directory
	switch {
	case engine == sqlite:
		directory = inDirectory
	case directory == "":
		directory = state.NewDirectoryID()
	}
	id, taken, err := service.Database(ctx, db, directory)
	switch {
	case err != nil:
		return err
	case mark.Database != "" && mark.Database != id:
		return &rolecall.Error{
			Code: rolecall.Conflict, Pointer: "/database", Message: "the external ids and claims of the state directory are in another database than the config leads to",
			Hint: "Operator: see where the config leads, or restore that database from a backup",
		}
	case taken && mark.Database != "":
		return nil
	}
	if !at.locked {
		end, err := dir.BeginTakeOver(ctx)
		if err != nil {
			return err
		}
		defer end()
	}
	kept, err := dir.Export(ctx, log)
	if err != nil {
		return err
	}
	err = service.TakeOver(ctx, db, keyring, directory, kept, func() error {
		return dir.KeepRegistry(state.Registry{Directory: directory, Database: id, Engine: engine})
	})
	if err == nil && !taken && !kept.IsEmpty() {
		log.InfoContext(ctx, "took over what local runs kept in the state directory", "names", len(kept.Taken), "roles", len(kept.Roles), "checks", len(kept.Checks))
	}
	return err
}
