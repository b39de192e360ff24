package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/api"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/web"
)

// listen listens as the config says: with the certificate, which may change
// later, if there is one.
func listen(ctx context.Context, s config.Serve, certificate *atomic.Pointer[tls.Certificate]) (net.Listener, error) {
	if err := s.Exposed(); err != nil {
		return nil, err
	}
	read, err := readCertificate(s.TLS)
	if err != nil {
		return nil, err
	}
	certificate.Store(read)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return nil, &rolecall.Error{
			Code: rolecall.Unavailable, Message: "cannot listen on " + s.Listen, Err: err,
			Hint: "Operator: see who listens there, or give another address with --listen",
		}
	}
	if read == nil {
		return listener, nil
	}
	return tls.NewListener(listener, &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Load(), nil },
		MinVersion:     tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}

// readCertificate reads a certificate and its key; nil for none.
func readCertificate(files config.TLS) (*tls.Certificate, error) {
	if files.Certificate == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/tls", Message: "the certificate and its key cannot be used: " + err.Error(), Err: err,
			Hint: "Operator: check both files in tls: PEM, of one pair, readable",
		}
	}
	return &certificate, nil
}

func publicURL(s config.Serve, listener net.Listener) string {
	switch {
	case s.PublicURL != nil:
		return s.PublicURL.String()
	case s.TLS.Certificate != "":
		return "https://" + listener.Addr().String()
	}
	return "http://" + listener.Addr().String()
}

// onlyHosts refuses requests to other hosts than the service's: a page of
// somebody else's whose name leads to this address gets nothing.
func onlyHosts(s config.Serve, listener net.Listener, next http.Handler) http.Handler {
	ours := map[string]bool{}
	if s.PublicURL != nil {
		ours[sameHost(s.PublicURL.Host)] = true
	} else {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
			ours[net.JoinHostPort(host, port)] = true
		}
		ours[listener.Addr().String()] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours[sameHost(r.Host)] && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			api.WriteProblem(w, http.StatusMisdirectedRequest, &rolecall.Error{
				Code: rolecall.Invalid, Message: "this service is not at that host", Hint: "You: use the service's own URL; the operator declares it as public_url",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameHost returns what hosts with a port are compared by: neither case counts,
// nor a dot at the end of the name.
func sameHost(host string) string {
	name, port, err := net.SplitHostPort(strings.ToLower(host))
	if err != nil {
		return strings.TrimSuffix(strings.ToLower(host), ".")
	}
	return net.JoinHostPort(strings.TrimSuffix(name, "."), port)
}

// together answers for the API and for the pages, and refuses what a page of
// somebody else's has a browser send: its cookie would come along.
func together(at string, s *service.Service, log *slog.Logger, of *api.API) (http.Handler, error) {
	parsed, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("read the service's URL: %w", err)
	}
	mux, pages := http.NewServeMux(), web.New(web.Options{Service: s, URL: parsed, Log: log})
	for _, path := range web.Paths() {
		mux.Handle(path, pages)
	}
	mux.Handle("/", of)
	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.WriteProblem(w, http.StatusForbidden, &rolecall.Error{Code: rolecall.Forbidden, Message: "a page of another site sent this", Hint: "You: use the service's own pages, or a token from a program"})
	}))
	return ours.Handler(mux), nil
}

// unread gives a body that nobody reads a time to arrive: net/http reads it
// before it answers, or before it takes the connection's next request, and would
// wait for ever.
func unread(slowest time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody { // of others, the connection's next read is not for a body
			deadline := func() { _ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowest)) }
			deadline()
			defer deadline()
		}
		next.ServeHTTP(w, r)
	})
}

// behindProxy takes the client's address from X-Forwarded-For, as far as known
// proxies vouch for it.
func behindProxy(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			client := forwardedFor(proxies, from.Addr().Unmap(), r.Header.Values("X-Forwarded-For"))
			r.RemoteAddr = netip.AddrPortFrom(client, from.Port()).String()
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor returns the address of the client: the last in the chain of
// X-Forwarded-For that is not a proxy's. From is who sent the request; headers
// of anyone but a proxy count for nothing.
func forwardedFor(proxies []netip.Prefix, from netip.Addr, headers []string) netip.Addr {
	isProxy := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	chain := strings.Split(strings.Join(headers, ","), ",")
	for i := len(chain) - 1; i >= 0 && isProxy(from); i-- {
		hop := strings.TrimSpace(chain[i])
		next, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil { // some proxies write the port, too
			at, withPort := netip.ParseAddrPort(hop)
			if withPort != nil {
				break
			}
			next = at.Addr()
		}
		from = next.Unmap()
	}
	return from
}
