package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/worker"
)

// process is a service that runs. What its config declares may change meanwhile.
type process struct {
	log     *slog.Logger
	db      *store.Store
	keyring *service.Keyring
	service *service.Service
	first   *config.Config // what it was started with

	certificate atomic.Pointer[tls.Certificate] // nil: plain http
	limit       func(requestsPerSecond int)
	listener    net.Listener
	api         http.Handler
	handler     atomic.Pointer[http.Handler]
}

// ServeHTTP answers by what is declared now.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*p.handler.Load()).ServeHTTP(w, r)
}

// handle has requests answered as the config says from now on.
func (p *process) handle(s config.Serve, listener net.Listener, api http.Handler) {
	p.listener, p.api = listener, api
	handler := onlyHosts(s, listener, behindProxy(s.BehindProxy, api))
	p.handler.Store(&handler)
}

// declare puts in force what a config declares, all or nothing.
func (p *process) declare(ctx context.Context, cfg *config.Config) (service.Declared, error) {
	settings := service.Settings{Vendor: cfg.Vendor, Organizations: cfg.Organizations}
	if cfg.HasPrincipals() {
		work, err := worker.Open(worker.Settings{
			Vendor: cfg.Vendor, Sources: cfg.Sources, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow, Log: p.log,
			Retired: p.db.RetiredIDs, Intent: p.service.RecordSession,
		}, worker.Stores{Verdicts: p.db.Verdicts(), Secrets: service.Values{Store: p.db, Keyring: p.keyring, Declared: cfg}})
		if err != nil {
			return service.Declared{}, err
		}
		settings.Worker, settings.Close = work, work.Close
	}
	done, err := p.service.Declare(ctx, settings)
	if err != nil && settings.Close != nil {
		settings.Close()
	}
	return done, cfg.Locate(err)
}

// notes say what the operator should do: at the first start, how to sign in.
func (p *process) notes(ctx context.Context, cfg *config.Config, first, terminal bool) (notes []string, err error) {
	if first && terminal {
		made, err := p.service.CreateSignInLink(ctx, service.Call{Actor: service.Host(), RequestID: "serve"}, service.NewSignInLink{})
		if err != nil {
			return nil, err
		}
		notes = append(notes, "this is the first start here: sign in as the operator, once and within 15 minutes, by "+made.URL)
	}
	if first {
		notes = append(notes, "rolecall signin-link, on this machine, makes a link that signs the operator in, and rolecall token create --operator a token")
	}
	if !cfg.HasPrincipals() {
		notes = append(notes, "no principal is declared, so connections cannot be checked: declare the role or user that your workers run as in rolecall.yaml, and send SIGHUP")
	}
	return notes, nil
}

// readAgain reads the config again, and the files that it names, whenever that
// is asked for. If something is wrong with it, what was in force stays, and the
// log says what. It returns a function that ends that, and waits for its end.
func (p *process) readAgain(ctx context.Context, o Options) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-o.Again:
			}
			err := safely.Do(func() error {
				cfg, err := o.Load()
				if err != nil {
					return err
				}
				return p.again(ctx, cfg)
			})
			if err != nil {
				p.log.ErrorContext(ctx, "the config was read again and is not used; the one before it goes on", "error", rolecall.List(err).Error())
				continue
			}
			p.log.InfoContext(ctx, "the config was read again")
		}
	})
	return func() {
		cancel()
		reading.Wait()
	}
}

// again puts another config in force. Where the service listens and keeps what
// it keeps, stays as it was.
func (p *process) again(ctx context.Context, cfg *config.Config) error {
	var faults rolecall.Errors
	for pointer, differs := range map[string]bool{
		"/listen": cfg.Serve.Listen != p.first.Serve.Listen, "/state": cfg.State != p.first.State,
		"/database": cfg.Serve.DatabaseURL != p.first.Serve.DatabaseURL, "/sealing": cfg.Serve.SealingFile != p.first.Serve.SealingFile,
		"/public_url": fmt.Sprint(cfg.Serve.PublicURL) != fmt.Sprint(p.first.Serve.PublicURL),
		"/tls":        (cfg.Serve.TLS.Certificate == "") != (p.first.Serve.TLS.Certificate == ""),
	} {
		if differs {
			faults.Add(pointer, "this changes only when rolecall serve starts", "Operator: start it again, or undo this change")
		}
	}
	if len(faults) > 0 {
		return faults
	}
	if err := cfg.CheckFiles(ctx, os.Getenv); err != nil {
		return err
	}
	certificate, err := readCertificate(cfg.Serve.TLS)
	if err != nil {
		return err
	}
	done, err := p.declare(ctx, cfg)
	if err != nil {
		return err
	}
	p.certificate.Store(certificate)
	p.limit(cfg.Serve.Limits.RequestsPerSecond)
	p.handle(cfg.Serve, p.listener, p.api)
	for _, made := range done.Made {
		p.log.WarnContext(ctx, "made an external id; it is kept in the database: back that up", "org", made.Organization, "external_id", made.ID)
	}
	p.service.CheckDeclared(ctx, done.Unchecked)
	return nil
}
