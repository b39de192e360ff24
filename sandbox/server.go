package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

// Options are what a Server may be given; the zero value works.
type Options struct {
	Listen string           // the address to listen on; a free port of 127.0.0.1 when empty
	Clock  func() time.Time // time.Now when nil
	Log    *slog.Logger     // discarded when nil
	Dir    string           // where objects are kept; the system's temporary directory when empty
	Trail  int              // how many events are kept; 10,000 when zero
}

// Server is a running local AWS. Start makes one; the caller closes it.
//
// It is also an http.Handler for all its services, for programs that serve it
// on another listener, such as one with TLS.
type Server struct {
	// URL is where the server listens, such as "http://127.0.0.1:39117": the
	// endpoint of STS, S3, IAM and KMS alike.
	URL string

	clock     func() time.Time
	log       *slog.Logger
	secure    *bool
	directory *directory
	faults    *faults
	trail     *trail
	s3        *s3.Service

	closing chan struct{} // closed by Close; ends delays

	http   *http.Server
	served sync.WaitGroup // of http

	mu       sync.Mutex
	closed   bool
	requests sync.WaitGroup // none is added once closed
}

// Start starts a server of the accounts in the config. It reports all faults
// of the config at once. The config must not change afterwards.
//
// The context limits the start only: the server runs until Close.
func Start(ctx context.Context, cfg *Config, opts Options) (*Server, error) {
	s, err := newServer(cfg, opts)
	if err != nil {
		return nil, err
	}
	if err := s.listen(ctx, cmp.Or(opts.Listen, "127.0.0.1:0")); err != nil {
		return nil, errors.Join(err, s.s3.Close())
	}
	return s, nil
}

func newServer(cfg *Config, opts Options) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if skew := time.Duration(cfg.ClockSkew); skew != 0 {
		right := opts.Clock
		opts.Clock = func() time.Time { return right().Add(skew) }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Trail <= 0 {
		opts.Trail = defaultTrail
	}
	s := &Server{
		clock: opts.Clock, log: opts.Log, secure: cfg.SecureTransport,
		directory: newDirectory(cfg, opts.Clock), faults: newFaults(cfg.Faults, cfg.Seed), trail: &trail{limit: opts.Trail},
		closing: make(chan struct{}),
	}
	var err error
	s.s3, err = s3.New(s3.Config{Buckets: s.directory.s3Buckets(), Authority: authority{s}, Directory: authority{s}, Clock: opts.Clock, Dir: opts.Dir, Log: opts.Log})
	if err != nil {
		return nil, fmt.Errorf("start the sandbox's S3: %w", err)
	}
	if err := s.loadObjects(cfg); err != nil {
		return nil, errors.Join(err, s.s3.Close())
	}
	return s, nil
}

// Trail returns the last requests, oldest first.
func (s *Server) Trail() []Event { return s.trail.events() }

// PutRole makes or changes a role. A changed role keeps its unique id, and its
// sessions have its new policies.
func (s *Server) PutRole(account, name string, r *Role) error {
	v := &validator{accessKeys: map[string]bool{}}
	v.names("", []string{name})
	v.role(strict.Pointer(name), r)
	if err := v.Err(); err != nil {
		return err
	}
	return s.directory.changeRole(account, name, r)
}

// DeleteRole deletes a role and ends its sessions. A role that is made again
// has another unique id.
func (s *Server) DeleteRole(account, name string) error { return s.directory.deleteRole(account, name) }

// Limits on slow clients: a request's header must arrive in time, and no more
// than idleTimeout may pass between two reads or writes of a body.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 64 << 10
)

func (s *Server) listen(ctx context.Context, address string) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return &rolecall.Error{Code: rolecall.Unavailable, Message: err.Error(), Hint: "You: choose another address with --listen", Err: err}
	}
	s.URL = "http://" + listener.Addr().String()
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.served.Go(func() {
		if err := s.http.Serve(listener); err != http.ErrServerClosed {
			s.log.Error("sandbox stopped serving", "error", err)
		}
	})
	return nil
}

// Close stops the server, cuts its open connections and removes the objects.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	err := s.http.Close()
	s.served.Wait()
	s.requests.Wait()
	return errors.Join(err, s.s3.Close())
}

// enter counts a request that Close waits for. It reports false after Close,
// when a request that has just connected may still arrive.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.requests.Add(1)
	}
	return !s.closed
}
