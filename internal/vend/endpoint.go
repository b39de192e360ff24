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

// Endpoint is a container credentials endpoint on the loopback address. It
// answers only requests with its URL and its token. Listen makes it; Close ends
// it.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type Endpoint struct {
	source *Source
	claim  context.Context // that the credentials depend on: nothing is returned after its end
	failed func(error)

	host, path, token string
	server            *http.Server
	serving           sync.WaitGroup
}

// The endpoint's limits. The longest is for the proof of a role, which continues
// after an SDK has given up and has the answer ready for its next request.
const (
	readTimeout   = 5 * time.Second
	answerTimeout = 60 * time.Second
	maxHeader     = 8 << 10
)

// Listen starts an endpoint on a free port. It serves the source's credentials
// until the claim ends. It calls failed with the reason when there are none,
// from several goroutines.
func Listen(claim context.Context, source *Source, failed func(error)) (*Endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(claim, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Unavailable, Message: "cannot listen on the loopback address", Err: err}
	}
	e := &Endpoint{source: source, claim: claim, failed: failed, host: listener.Addr().String(), path: "/" + randomHex(), token: randomHex()}
	e.server = &http.Server{
		Handler: e, ReadTimeout: readTimeout, WriteTimeout: answerTimeout + readTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // only malformed requests of strangers
	}
	e.server.SetKeepAlivesEnabled(false)
	e.serving.Go(func() { _ = e.server.Serve(listener) }) // ends only by Close
	return e, nil
}

// randomHex returns 256 random bits in hexadecimal.
func randomHex() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Close stops the endpoint at once and waits for its end.
func (e *Endpoint) Close() error {
	err := e.server.Close()
	e.serving.Wait()
	return err
}

// variables returns the environment variables by which an SDK finds the
// endpoint.
func (e *Endpoint) variables() map[string]string {
	return map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + e.host + e.path,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN":  e.token,
	}
}

// ServeHTTP answers one request of an SDK.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	tokens := r.Header["Authorization"]
	switch {
	case r.Host != e.host:
		// A web page could send a request here by a name that resolves to 127.0.0.1.
		refuse(w, http.StatusForbidden, "forbidden", "not a host of this endpoint")
	case subtle.ConstantTimeCompare([]byte(r.RequestURI), []byte(e.path)) != 1:
		refuse(w, http.StatusNotFound, "not_found", "there is nothing here")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "invalid", "only GET is answered")
	case len(tokens) != 1 || subtle.ConstantTimeCompare([]byte(tokens[0]), []byte(e.token)) != 1:
		refuse(w, http.StatusUnauthorized, "unauthenticated", "the Authorization header is not the token of this endpoint")
	default:
		e.answer(w, r)
	}
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	body, err := e.credentials(ctx)
	if err != nil {
		if r.Context().Err() == nil {
			e.failed(err)
		}
		first := firstError(err)
		refuse(w, statusOf(first.Code), string(first.Code), first.Message)
		return
	}
	_, _ = w.Write(body) // fails only if the client is gone
}

// credentials returns the credentials as an SDK reads them, while the claim
// lasts. After its end the source is not called: that would prove the role, and
// so claim it again.
func (e *Endpoint) credentials(ctx context.Context) ([]byte, error) {
	if e.claim.Err() != nil {
		return nil, context.Cause(e.claim)
	}
	c, err := e.source.Retrieve(ctx)
	switch {
	case e.claim.Err() != nil: // it ended meanwhile
		return nil, context.Cause(e.claim)
	case err != nil:
		return nil, err
	}
	return Container(c)
}

// firstError returns the one error that the answer to an SDK has room for.
func firstError(err error) *rolecall.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &rolecall.Error{Code: rolecall.Unavailable, Message: "the credentials took too long"}
	}
	return rolecall.List(err)[0]
}

// statusOf returns the status for a code, so that SDKs try again only if that
// may help.
func statusOf(code rolecall.Code) int {
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
	_, _ = w.Write(body) // fails only if the client is gone
}
