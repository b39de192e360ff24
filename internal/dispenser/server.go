package dispenser

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rolecall/rolecall"
)

// Limits of a request before its caller is known.
const (
	maxHeader     = 32 << 10
	maxQuery      = 8 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = time.Minute
	endTimeout    = 15 * time.Second // for requests that run when Serve ends
)

// HealthPath is answered with status 200 while the dispenser serves. AWS is not
// called for it.
const HealthPath = "/healthz"

// ServeHTTP answers one request.
func (d *Dispenser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	switch path := r.URL.EscapedPath(); {
	case path != d.path && path != HealthPath:
		write(w, errorAnswer(rolecall.NotFound))
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		write(w, answer(http.StatusMethodNotAllowed, map[string]string{"code": string(rolecall.Invalid), "message": "GET only"}))
	case path == HealthPath:
		write(w, answer(http.StatusOK, map[string]string{"status": "ok"}))
	case len(r.URL.RawQuery) > maxQuery:
		write(w, answer(http.StatusRequestURITooLong, map[string]string{"code": string(rolecall.Invalid), "message": "the query is too long"}))
	default:
		a := d.Answer(r.Context(), Ask{
			Query: r.URL.Query(), From: r.RemoteAddr,
			Caller: func(ctx context.Context) (string, error) { return d.authenticate(ctx, r) },
		})
		if a.Status == http.StatusUnauthorized && d.cfg.bearer != nil {
			h.Set("WWW-Authenticate", "Bearer")
		}
		if a.Status == http.StatusServiceUnavailable {
			h.Set("Retry-After", "1")
		}
		write(w, a)
	}
}

func write(w http.ResponseWriter, a Answer) {
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // fails only if the client is gone
}

// Serve serves the listener, with TLS if the config has a certificate, until
// ctx ends. Then it waits for requests that run.
func (d *Dispenser) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: d, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	if d.cfg.certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*d.cfg.certificate}, MinVersion: tls.VersionTLS12})
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if stopped := <-ended; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}
