// Package api is the service over HTTP: paths, JSON, status codes and the
// OpenAPI document. Each route translates a request to one operation of package
// service, and holds no rules of its own.
package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/service"
)

// Options are what New needs.
type Options struct {
	Service *service.Service
	URL     string // where people find the service
	Version string
	Limits  Limits
	// BodyTime is how long a body may take to arrive.
	BodyTime time.Duration
	// Pulse is how long a stream of events goes on without finding out again whether
	// its actor may see it; zero: 15 s.
	Pulse time.Duration
	Log   *slog.Logger // nil: none
}

// API answers requests. New makes it.
type API struct {
	service  *service.Service
	limits   *limits
	bodyTime time.Duration
	pulse    time.Duration
	log      *slog.Logger
	mux      *http.ServeMux
	cookie   string // name of the cookie of sessions
	document *document
}

// SetRequestsPerSecond changes what Limits said of requests; zero is the default.
func (a *API) SetRequestsPerSecond(most int) { a.limits.setRequests(most) }

// New returns the handler of everything below /api, of /problems, and of
// /healthz and /readyz.
func New(o Options) *API {
	a := &API{service: o.Service, limits: newLimits(o.Limits), bodyTime: o.BodyTime, pulse: cmp.Or(o.Pulse, streamPulse), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), mux: http.NewServeMux(), document: newDocument(o.Version)}
	at, err := url.Parse(o.URL)
	if err != nil {
		panic(err) // it is made of the address that the service listens on
	}
	a.cookie, _ = account.Cookie(at)
	a.organizations()
	a.connections()
	a.checks()
	a.tokens()
	a.secrets()
	a.credentials()
	a.audit()
	a.tools()
	a.operator()
	a.rotations()
	a.members()
	a.sessions()
	a.about(o.Version)
	a.mux.HandleFunc("GET /problems/{code}", func(w http.ResponseWriter, r *http.Request) {
		text, ok := problems[rolecall.Code(r.PathValue("code"))]
		if !ok {
			a.fail(w, r, errNoSuchPath)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text + "\n"))
	})
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if allowed := a.methods(r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			a.fail(w, r, errNoSuchMethod)
			return
		}
		a.fail(w, r, errNoSuchPath)
	})
	return a
}

// methods returns those that the path of a request takes.
func (a *API) methods(r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		asked := r.Clone(r.Context())
		asked.Method = method
		if _, pattern := a.mux.Handler(asked); pattern != "/" {
			out = append(out, method)
		}
	}
	return out
}

// ServeHTTP answers a request. A panic is that request's alone.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := job.NewID()
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	a.mayWrite(w)
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint,err113 // as net/http compares it
			panic(p)
		} else if p != nil {
			a.log.ErrorContext(r.Context(), "panic in a request", "method", r.Method, "path", r.Pattern, "request", id, "panic", p, "stack", string(debug.Stack()))
			a.fail(w, r, &rolecall.Error{Code: rolecall.Internal, Message: "internal error"})
		}
	}()
	a.mux.ServeHTTP(w, r)
}

// writeTime is how long a reader may take for an answer, or for what a stream
// sends at a time.
const writeTime = time.Minute

// mayWrite gives the reader its time from now on.
func (a *API) mayWrite(w http.ResponseWriter) {
	// A connection that cannot have deadlines is a test's.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime + writeTime))
}

// answerTime is the most that an operation may take before it answers: those
// that call AWS.
const answerTime = time.Minute

type requestKey struct{}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestKey{}).(string)
	return id
}

// actor returns who presents the request's token or, where it only reads, the
// cookie of a session.
func (a *API) actor(r *http.Request, rt route) (account.Actor, error) {
	if cookie, err := r.Cookie(a.cookie); err == nil && r.Header.Get("Authorization") == "" && r.Method == http.MethodGet && !rt.tokenOnly {
		return a.service.AuthenticateSession(r.Context(), cookie.Value, address(r))
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return account.Actor{}, account.ErrUnauthenticated
	}
	address, token := address(r), strings.TrimSpace(token)
	if err := a.limits.mayTry(address, token); err != nil {
		return account.Actor{}, err
	}
	actor, err := a.service.Authenticate(r.Context(), token, address)
	if err == nil || errors.Is(err, account.ErrUnauthenticated) {
		a.limits.tried(address, token, err == nil)
	}
	return actor, err
}

// address is where a request comes from; the zero one if that is not known.
func address(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}
