package vend

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// Endpoint is a container credentials endpoint on the loopback address, for
// the one who knows its URL and its token. Listen makes it; close it.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type Endpoint struct {
	source *Source
	claim  context.Context // that the credentials rest on: nothing is given out after its end
	failed func(error)

	host, path, token string
	server            *http.Server
	serving           sync.WaitGroup
}

// The endpoint's limits. The longest is for the proof of a role, which goes on
// after an SDK went and has its answer ready when it comes again.
const (
	readTimeout   = 5 * time.Second
	answerTimeout = 60 * time.Second
	maxHeader     = 8 << 10
)

// Listen starts an endpoint on a free port. It gives out what the source has
// until the claim ends. Failed is told why there were no credentials; it may
// be called from several goroutines.
func Listen(claim context.Context, source *Source, failed func(error)) (*Endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(claim, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Unavailable, Message: "cannot listen on the loopback address", Err: err}
	}
	e := &Endpoint{source: source, claim: claim, failed: failed, host: listener.Addr().String(), path: "/" + secret(), token: secret()}
	e.server = &http.Server{
		Handler: e, ReadTimeout: readTimeout, WriteTimeout: answerTimeout + readTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // only strangers' mistakes
	}
	e.server.SetKeepAlivesEnabled(false)
	e.serving.Go(func() { _ = e.server.Serve(listener) }) // ends by Close alone
	return e, nil
}

// secret is 256 random bits.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Close ends the endpoint at once and waits for it.
func (e *Endpoint) Close() error {
	err := e.server.Close()
	e.serving.Wait()
	return err
}

// variables tell an SDK of the endpoint.
func (e *Endpoint) variables() map[string]string {
	return map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + e.host + e.path,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN":  e.token,
	}
}

// ServeHTTP answers one request of an SDK's.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	given := r.Header["Authorization"]
	switch {
	case r.Host != e.host:
		// A name that leads here is how a web page would ask.
		refuse(w, http.StatusForbidden, "forbidden", "not a host of this endpoint")
	case subtle.ConstantTimeCompare([]byte(r.RequestURI), []byte(e.path)) != 1:
		refuse(w, http.StatusNotFound, "not_found", "there is nothing here")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "invalid", "only GET is answered")
	case len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte(e.token)) != 1:
		refuse(w, http.StatusUnauthorized, "unauthenticated", "the Authorization header is not the token of this endpoint")
	default:
		e.answer(w, r)
	}
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	body, err := e.take(ctx)
	if err != nil {
		if r.Context().Err() == nil {
			e.failed(err)
		}
		told := first(err)
		refuse(w, status(told.Code), string(told.Code), told.Message)
		return
	}
	_, _ = w.Write(body) // who asked went
}

// take gives credentials as an SDK reads them, while the claim stands. After
// its end the source is not even asked: that would prove the role, and so claim
// it again.
func (e *Endpoint) take(ctx context.Context) ([]byte, error) {
	if e.claim.Err() != nil {
		return nil, context.Cause(e.claim)
	}
	credentials, err := e.source.Take(ctx)
	switch {
	case e.claim.Err() != nil: // meanwhile
		return nil, context.Cause(e.claim)
	case err != nil:
		return nil, err
	}
	return container(credentials)
}

// first is what an SDK is told of an error: it has room for one.
func first(err error) *rolecall.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &rolecall.Error{Code: rolecall.Unavailable, Message: "the credentials took too long"}
	}
	return rolecall.List(err)[0]
}

// status makes SDKs try again only where that may help.
func status(code rolecall.Code) int {
	switch code {
	case rolecall.Forbidden, rolecall.Unauthenticated:
		return http.StatusForbidden
	case rolecall.Unavailable:
		return http.StatusServiceUnavailable
	case rolecall.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(map[string]string{"code": code, "message": message})
	if err != nil {
		panic(err) // two strings
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked went
}
