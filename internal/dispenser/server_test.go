package dispenser

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for request, want := range map[string]int{
		"GET /healthz":    200,
		"POST /healthz":   405,
		"GET /":           404,
		"GET /rolecall/":  404,
		"GET /rolecall/x": 404,
		"GET /%72olecall": 404,
		"POST /rolecall":  405,
		"HEAD /rolecall":  405,
		"PUT /rolecall":   405,
		"GET /rolecall":   401,
		"GET /rolecall?" + strings.Repeat("x", maxQuery+1): 414,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" || want == 405 && w.Header().Get("Allow") != "GET" {
			t.Errorf("%.40s: %d %s", request, w.Code, w.Body)
		}
	}
}

// certificate writes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	text, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"certificate.pem": {Type: "CERTIFICATE", Bytes: text}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}

// A request that runs when the dispenser ends gets its answer.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pool := certificate(t, dir)
	asked, answer := make(chan struct{}), make(chan struct{})
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		_, _ = io.WriteString(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	t.Cleanup(sts.Close)
	d, err := New(load(t, "http://127.0.0.1:4580", sts.URL, "bearer:", "tls: {certificate: "+dir+"/certificate.pem, key: "+dir+"/key.pem}\nbearer:"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	answered := make(chan int, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/rolecall?"+query().Encode(), nil)
		if err != nil {
			t.Error(err)
		}
		req.Header.Set("Authorization", "Bearer "+bearerSecret)
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		answered <- resp.StatusCode
	}()
	<-asked
	end()
	close(answer)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := client.Get("https://" + l.Addr().String() + HealthPath); err == nil {
		t.Error("it still listens")
	}
}
