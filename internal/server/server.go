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
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Options are what Run needs.
type Options struct {
	Config  *config.Config // by config.LoadServe
	Version string
	Log     *slog.Logger // nil: none
	// Failures is api.Limits' own; zero: its default.
	Failures int
	// HeaderTime is how long a client may take for the headers of a request, or
	// for a body that nobody reads, and BodyTime for one that is read. Zero: 10
	// s and 30 s.
	HeaderTime, BodyTime time.Duration
	// Pulse is api.Options' own.
	Pulse time.Duration
	// Terminal says that the notes of Started go to somebody who looks at a
	// terminal, and to no log: they may hold a link that signs in.
	Terminal bool
	// Ready is called once requests are taken; nil: nobody waits for it.
	Ready func(Started)
	// Again receives a value when the config and what it names are to be read
	// again, by Load; nil: never.
	Again <-chan os.Signal
	Load  func() (*config.Config, error)
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
	bodyTime   = 30 * time.Second
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
	before, err := dir.Registry()
	if err != nil {
		return err
	}
	db, keyring, err := openDatabase(ctx, cfg, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	host, _ := os.Hostname() // for people
	alone, err := db.LockServe(ctx, fmt.Sprintf("process %d on %s, which listens on %s", os.Getpid(), host, cfg.Serve.Listen))
	if err != nil {
		return err
	}
	defer alone()
	heads, err := dir.AuditHeads()
	if err != nil {
		return err
	}
	p := &process{log: log, db: db, keyring: keyring, first: cfg}
	listener, err := listen(ctx, cfg.Serve, &p.certificate)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // again, if it served
	url := publicURL(cfg.Serve, listener)
	if err := dir.KeepServeURL(url); err != nil {
		return err
	}
	p.service = service.New(service.Options{Store: db, Keyring: keyring, Anchor: dir.KeepAuditHeads, Heads: heads, URL: url, Log: log})
	defer p.service.Close()
	if err := p.service.Start(ctx); err != nil {
		return err
	}
	declared, err := p.declare(ctx, cfg)
	if err != nil {
		return err
	}
	p.service.CheckDeclared(ctx, declared.Unchecked)
	answers := api.New(api.Options{
		Service: p.service, URL: url, Version: o.Version, Log: log, BodyTime: cmp.Or(o.BodyTime, bodyTime), Pulse: o.Pulse, Limits: api.Limits{RequestsPerSecond: cfg.Serve.Limits.RequestsPerSecond, Failures: o.Failures},
	})
	p.limit = answers.SetRequestsPerSecond
	handler, err := together(url, p.service, log, answers)
	if err != nil {
		return err
	}
	p.handle(cfg.Serve, listener, handler)
	said, err := p.notes(ctx, cfg, before == state.Registry{}, o.Terminal)
	if err != nil {
		return err
	}
	reading := p.readAgain(ctx, o)
	defer reading()
	slowest := cmp.Or(o.HeaderTime, headerTime)
	return serve(ctx, listener, slowest, unread(slowest, p), log, func() {
		if o.Ready != nil {
			o.Ready(Started{URL: url, Made: declared.Made, Notes: said})
		}
	})
}

// serve answers requests until the context ends, and lets those that are under
// way end.
func serve(ctx context.Context, listener net.Listener, slowest time.Duration, handler http.Handler, log *slog.Logger, ready func()) error {
	requests, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: slowest, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
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
