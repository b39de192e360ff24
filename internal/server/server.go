// Package server is the service as a process: it opens what the config names,
// composes the others, listens, and stops in order.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rolecall/rolecall/internal/api"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
	"github.com/rolecall/rolecall/internal/worker"
)

// Options are what Run needs.
type Options struct {
	Config  *config.Config // by config.LoadServe
	Version string
	Log     *slog.Logger // nil: none
	// Ready is called once requests are taken; nil: nobody waits for it.
	Ready func(Started)
}

// Started is what a service that takes requests has to say.
type Started struct {
	URL   string
	Made  []tenant.Generated // external ids that were made now
	Notes []string           // what the operator should do
}

// How long slow clients have, and how long requests may take to end.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	drainTime  = 30 * time.Second
	maxHeader  = 64 << 10
)

// Run serves until the context ends. A config without principals is served too:
// checks are refused then, and a note says what to declare.
func Run(ctx context.Context, o Options) (err error) {
	cfg, log := o.Config, cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	dir, err := state.Open(cfg.State)
	if err != nil {
		return err
	}
	unlock, err := dir.LockServe(fmt.Sprintf("process %d, which listens on %s", os.Getpid(), cfg.Serve.Listen))
	if err != nil {
		return err
	}
	defer unlock()
	db, err := openStore(ctx, cfg, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var started Started
	if started.Made, err = tenant.Register(ctx, db.Names(), cfg.Organizations); err != nil {
		return err
	}
	keyring, err := service.NewKeyring(func() (*seal.Keys, error) { return sealingKeys(cfg, dir) })
	if err != nil {
		return err
	}
	keep, err := anchor(dir)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg.Serve)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // again, if it served
	started.URL = publicURL(cfg.Serve, listener)
	if err := dir.KeepServeURL(started.URL); err != nil {
		return err
	}
	options := service.Options{Store: db, Vendor: cfg.Vendor, Keyring: keyring, Anchor: keep, URL: started.URL, Log: log}
	if cfg.HasPrincipals() {
		work, err := worker.Open(worker.Settings{
			Vendor: cfg.Vendor, Sources: cfg.Sources, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow, Log: log,
			Declared: declared(cfg.Organizations),
		}, worker.Stores{Verdicts: db.Verdicts(), Secrets: service.Values{Store: db, Keyring: keyring, Declared: cfg}})
		if err != nil {
			return err
		}
		defer work.Close()
		options.Worker = work
	} else {
		started.Notes = append(started.Notes, "no principal is declared, so connections cannot be checked: declare the role or user that your workers run as in rolecall.yaml, and start again")
	}
	s := service.New(options)
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		return err
	}
	unchecked, err := s.Declare(ctx, cfg.Organizations)
	if err != nil {
		return err
	}
	if options.Worker != nil {
		s.CheckDeclared(ctx, unchecked)
	}
	return serve(ctx, listener, onlyHosts(cfg.Serve, listener, behindProxy(cfg.Serve.BehindProxy, api.New(api.Options{Service: s, Version: o.Version, Log: log}))), log, func() {
		if o.Ready != nil {
			o.Ready(started)
		}
	})
}

// serve answers requests until the context ends, and lets those that are under
// way end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger, ready func()) error {
	requests, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return requests },
	}
	// Streams of events end at once: their readers come back.
	server.RegisterOnShutdown(interrupt)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
