package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
	"github.com/rolecall/rolecall/sandbox/internal/sigv4"
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
		return &rolecall.Error{Code: rolecall.Unavailable, Message: err.Error(), Hint: "choose another address with --listen", Err: err}
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

// call is one request on its way through the server.
type call struct {
	id        string
	at        time.Time
	service   string
	operation string
	region    string
	bucket    string
	key       string
	caller    *caller
	signing   map[string][]string // s3:* keys about the signature
	fault     *Fault

	secure                       bool
	sourceIP, userAgent, referer string
	event                        Event
}

// ServeHTTP answers one request to any of the services.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.requests.Done()
	signature, bad := sigv4.Parse(r)
	c := s.begin(r, signature)
	out := &recorder{ResponseWriter: w, control: http.NewResponseController(w)}
	// A copy: if net/http's own request has another body, it waits for bytes
	// that a client which expects 100-continue does not send after a refusal.
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	r.Body = &pacedBody{ReadCloser: r.Body, control: out.control}
	defer s.end(c, out, r)
	out.Header().Set("X-Amz-Request-Id", c.id)
	out.Header().Set("Date", c.at.UTC().Format(http.TimeFormat)) // clients correct their clocks by it

	var secret string
	if bad == nil && signature != nil {
		secret, bad = s.identify(c, signature)
	}
	switch {
	case bad != nil:
	case signature != nil:
		bad = signature.Verify(r, secret, c.at)
	case c.service == "s3":
		bad = sigv4.Decode(r)
	}
	if c.service != "s3" && c.service != "kms" {
		c.readForm(out, r)
	}
	if bad != nil {
		c.refuse(out, r, bad, signature)
		return
	}
	if signature != nil {
		c.signing = signing(r, signature, c.at)
	}
	if c.service == "s3" && r.Body != nil {
		r.Body = &s3Body{ReadCloser: r.Body, call: c}
	}
	if c.fault = s.faults.hit(c.service, c.operation, c.bucket); c.fault != nil && s.inject(c, out, r) {
		return
	}
	s.dispatch(c, out, r)
}

// begin reads what a request claims; nothing of it is proved.
func (s *Server) begin(r *http.Request, signature *sigv4.Signature) *call {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	id := make([]byte, 8)
	rand.Read(id)
	c := &call{
		id: strings.ToUpper(hex.EncodeToString(id)), at: s.clock(), caller: &caller{},
		secure: r.TLS != nil, sourceIP: host, userAgent: cut(r.UserAgent()), referer: cut(r.Referer()),
	}
	if s.secure != nil {
		c.secure = *s.secure
	}
	c.service = "s3"
	target, isKMS := kmsOperation(r)
	switch {
	case signature != nil:
		c.service, c.region = signature.Service, signature.Region
	case isKMS:
		c.service = "kms"
	case isForm(r):
		c.service = "sts"
	}
	switch c.service {
	case "s3":
		c.operation = s3.Operation(r)
		c.bucket, c.key = s3.Target(r)
		if b := s.directory.bucket(c.bucket); b != nil && signature == nil {
			c.region = b.Region
		}
	case "kms":
		c.operation = target
	}
	c.event = Event{
		Time: c.at, RequestID: c.id, Service: c.service, Operation: cut(c.operation), Region: c.region,
		SourceIP: c.sourceIP, UserAgent: c.userAgent,
	}
	return c
}

func (s *Server) dispatch(c *call, w http.ResponseWriter, r *http.Request) {
	switch c.service {
	case "s3":
		if fail := s.wrongRegion(c, r); fail != nil {
			c.event.ErrorCode = fail.Code
			s3.WriteError(w, r, fail)
			return
		}
		if b := s.directory.bucket(c.bucket); b != nil && c.key == "" {
			w.Header().Set("X-Amz-Bucket-Region", b.Region)
		}
		s.s3.ServeHTTP(w, r)
	case "sts", "iam":
		s.serveQuery(c, w, r)
	case "kms":
		s.serveKMS(c, w, r)
	default:
		c.failQuery(w, &serviceError{http.StatusBadRequest, "InvalidAction", "the sandbox has no service " + cut(c.service)})
	}
}

// end writes the trail, whatever happened, and closes the connection if a
// fault cut it.
func (s *Server) end(c *call, out *recorder, r *http.Request) {
	if crash := recover(); crash != nil {
		s.log.Error("panic in a request", "service", c.service, "operation", c.operation, "panic", crash)
		if out.status == 0 {
			c.fail(out, r, (&Fault{Error: "internal"}).failure(c.service))
		}
	}
	c.event.Status = out.status
	switch {
	case out.cut:
		c.event.Status, c.event.ErrorCode = 0, "ConnectionCut"
	case out.status < http.StatusBadRequest:
		c.event.ErrorCode = "" // S3 evaluates some permissions that a request does not need
	case c.event.ErrorCode == "":
		c.event.ErrorCode = out.errorCode()
	}
	s.trail.add(c.event)
	s.log.Debug("request", "service", c.service, "operation", c.event.Operation, "caller", c.event.Caller,
		"resource", c.event.Resource, "status", c.event.Status, "code", c.event.ErrorCode, "request", c.id)
	if out.cut {
		panic(http.ErrAbortHandler)
	}
}
