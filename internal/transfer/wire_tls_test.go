package transfer

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A server with which no connection by TLS can be made is not asked again.
func TestServersWithoutTLS(t *testing.T) {
	t.Parallel()
	start := func(secure bool, change func(*tls.Config)) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{}
		change(s.TLS)
		if secure {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s
	}
	good := start(true, func(*tls.Config) {})
	trusting := good.Client().Transport
	for name, c := range map[string]struct {
		server    *httptest.Server
		transport http.RoundTripper
		host      string
	}{
		"nobody trusts it":       {good, &http.Transport{}, ""},
		"another name":           {good, trusting, "localhost"},
		"http":                   {start(false, func(*tls.Config) {}), &http.Transport{}, ""},
		"too old":                {start(true, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), trusting, ""},
		"wants a certificate":    {start(true, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }), trusting, ""},
		"the same, with TLS 1.2": {start(true, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }), trusting, ""},
	} {
		endpoint := strings.Replace(c.server.URL, "http:", "https:", 1)
		if c.host != "" {
			endpoint = strings.Replace(endpoint, "127.0.0.1", c.host, 1)
		}
		b := Bucket{Name: "b", Client: NewClient(ClientOptions{
			Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), Endpoint: endpoint, PathStyle: true, HTTP: &http.Client{Transport: c.transport},
		})}
		retries := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ctx = WithRetries(ctx, func(error) { retries++; cancel() })
		for what, do := range map[string]func(context.Context) error{
			"object": func(ctx context.Context) error {
				_, err := source{b, Object{Key: "k", Size: 1, ETag: `"e"`}}.open(ctx, span{0, 1})
				return err
			},
			"listing": func(ctx context.Context) error { _, _, err := ListFirst(ctx, b, ""); return err },
			"region": func(ctx context.Context) error {
				_, err := RegionOf(ctx, RegionQuestion{Bucket: "b", Endpoint: endpoint, Home: "us-east-1", HTTP: b.Client.wire.http.next, Patient: true})
				return err
			},
		} {
			began := time.Now()
			if err := do(ctx); KindOf(err) != NoTLS || retries > 0 {
				t.Errorf("%s, %s: %s after %v and %d retries: %v", name, what, KindOf(err), time.Since(began), retries, err)
			}
		}
	}
}
