package credential_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func TestDispensersAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   rolecall.Code
		says   string
	}{
		"redirect":    {http.StatusFound, "", rolecall.Invalid, "redirect (302)"},
		"redirect307": {http.StatusTemporaryRedirect, "", rolecall.Invalid, "redirect (307)"},
		"no path":     {http.StatusNotFound, "", rolecall.NotFound, "404"},
		"refused":     {http.StatusForbidden, "", rolecall.Forbidden, "refuses (403)"},
		"who":         {http.StatusUnauthorized, "", rolecall.Forbidden, "refuses (401)"},
		"too many":    {http.StatusTooManyRequests, "", rolecall.Unavailable, "429"},
		"failing":     {http.StatusBadGateway, "", rolecall.Unavailable, "502"},
		"teapot":      {http.StatusTeapot, "", rolecall.Invalid, "418"},
		"no content":  {http.StatusNoContent, "", rolecall.Invalid, "204"},
		"created":     {http.StatusCreated, dispensed("ASIA2222333344441", time.Hour), rolecall.Invalid, "201"},
		"large":       {http.StatusOK, `{"x": "` + strings.Repeat("planted", 10000) + `"}`, rolecall.Invalid, "64 KiB"},
		"HTML":        {http.StatusOK, `<html>planted</html>`, rolecall.Invalid, "JSON object"},
		"expired":     {http.StatusOK, dispensed("ASIA2222333344441", 0), rolecall.Invalid, "have expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			b, d := dispenserBench(t, func(url.Values) (int, string) { return c.status, c.body + strings.Repeat(" ", 10) },
				func(o *credential.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			_, err := b.Dispenser(byBearer()).Retrieve(t.Context())
			if rolecall.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			for _, r := range d.asked {
				if r.URL.Path != "/keys" {
					t.Errorf("went on to %s", r.URL.Path)
				}
			}
			b.Close()
			e := rolecall.List(err)[0]
			for _, text := range []string{e.Message, e.Hint, fmt.Sprintf("%v %+v", e.Err, e), log.String()} {
				if strings.Contains(text, "planted") || strings.Contains(text, externalID) {
					t.Errorf("shown: %s", text)
				}
			}
			if e.Hint == "" {
				t.Error("nobody is told to act")
			}
		})
	}
}

// roundTripper is a way to the dispenser.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// refusedAddress is as the guard's error.
type refusedAddress struct{ error }

func (refusedAddress) RetryableError() bool { return false }

func TestDispensersThatAreNotReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		way  roundTripper
		code rolecall.Code
		says string
	}{
		"guarded": {func(*http.Request) (*http.Response, error) {
			return nil, refusedAddress{errors.New("the address 10.0.0.1")}
		}, rolecall.Forbidden, "may not be reached"},
		"unknown": {func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "planted", IsNotFound: true}
		}, rolecall.Forbidden, "may not be reached"},
		"unreachable": {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }, rolecall.Unavailable, "not reachable"},
		"silent": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, rolecall.Unavailable, "within ten seconds"},
		"dripping": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(drip{r.Context()})}, nil
		}, rolecall.Unavailable, "within ten seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v, err := credential.New(credential.Options{
					Principals: map[string]credential.Principal{"production": principal(t, "production", workerARN)},
					Verdicts:   credential.Memory(),
					Tenants:    func(string) *http.Client { return &http.Client{Transport: c.way} },
					Bearers: func(context.Context, string, string) (credential.Bearer, error) {
						return credential.Bearer{Token: bearerToken}, nil
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				start := time.Now()
				_, err = v.Dispenser(byBearer()).Retrieve(t.Context())
				if rolecall.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v", err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("took %v", took)
				}
				e := rolecall.List(err)[0]
				if strings.Contains(e.Message+e.Hint, "planted") || strings.Contains(fmt.Sprint(e.Err), externalID) || strings.Contains(e.Message+e.Hint, "10.0.0.1") {
					t.Errorf("shown: %+v", e)
				}
			})
		})
	}
}

// drip is a body that comes a byte a second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}
