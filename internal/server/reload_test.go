package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/service"
)

// readAgain has the service read its config again, and waits until it has: the
// second request is taken only then.
func (w *world) readAgain() {
	w.t.Helper()
	for range 2 {
		select {
		case w.again <- syscall.SIGHUP:
		case <-time.After(time.Minute):
			w.t.Fatal("the service does not read its config again")
		}
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was written since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// status returns the connection, and whether a check of it may begin.
func (w *world) status(connection string) (c service.Connection, check int) {
	w.t.Helper()
	c = read[service.Connection](w.t, w.must(http.StatusOK, http.MethodGet, connection, ""))
	return c, w.do(w.token, http.MethodPost, connection+"/checks?dry_run=true", "").status
}

// What the config says changes while the service runs. What vanishes from it is
// suspended, and is as it was once it comes back. A config with a fault changes
// nothing, and the log says where the fault is.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, two)
	log := &lines{}
	w.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	w.start()
	const other = "/api/o/acme/connections/other"
	w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+read[service.List[service.CheckSummary]](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks", "")).Results[0].ID+"/events", "")
	verified, _ := w.status(masters)
	was, _ := w.status(other)
	if verified.Status != service.Verified {
		t.Fatalf("%+v", verified)
	}

	// A connection vanishes, and comes back.
	w.declare(strings.Replace(two, "other: {", "another: {", 1))
	w.readAgain()
	if c, check := w.status(other); c.ID != was.ID || !c.Suspended || check != http.StatusConflict {
		t.Errorf("a connection that vanished: %+v, check %d", c, check)
	}
	w.declare(two)
	w.readAgain()
	// A check of it may run again already.
	if c, _ := w.status(other); c.ID != was.ID || c.Suspended || c.Revision != was.Revision {
		t.Errorf("a connection that is back: %+v", c)
	}

	// The organization vanishes, and comes back.
	w.declare(`{globex: {}}`)
	w.readAgain()
	if o := read[service.Organization](t, w.must(http.StatusOK, http.MethodGet, "/api/o/acme", "")); !o.Suspended || o.ExternalID != "x-42" {
		t.Errorf("an organization that vanished: %+v", o)
	}
	w.must(http.StatusConflict, http.MethodPost, masters+"/checks", "")
	w.must(http.StatusConflict, http.MethodGet, masters+"/credentials", "")
	if got := string(w.must(http.StatusConflict, http.MethodPost, masters+"/checks", "").body); !strings.Contains(got, "suspended") || !strings.Contains(got, "rolecall org adopt acme") {
		t.Errorf("%s", got)
	}
	w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
	w.declare(two)
	w.readAgain()
	if c, _ := w.status(masters); c.ID != verified.ID || c.Status != service.Verified || !c.Verified.Equal(*verified.Verified) {
		t.Errorf("%+v, and was %+v", c, verified)
	}
	w.must(http.StatusOK, http.MethodGet, masters+"/credentials", "")

	// Another external id, and nothing that was found counts.
	w.declare(strings.Replace(two, "x-42", "x-43", 1))
	w.readAgain()
	if c, _ := w.status(masters); c.ID != verified.ID || c.Status == service.Verified {
		t.Errorf("with another external id: %+v", c)
	}
	w.must(http.StatusConflict, http.MethodPost, "/api/o", `{"api_name":"initech","external_id":{"mode":"custom","value":"X-42"}}`)

	// A principal whose keys cannot be read is a fault, too.
	if err := os.Rename(filepath.Join(w.dir, "worker.json"), filepath.Join(w.dir, "away.json")); err != nil {
		t.Fatal(err)
	}
	log.take()
	w.readAgain()
	if text := log.take(); !strings.Contains(text, "worker.json") {
		t.Errorf("a principal's keys are missing: the log says\n%s", text)
	}
	if err := os.Rename(filepath.Join(w.dir, "away.json"), filepath.Join(w.dir, "worker.json")); err != nil {
		t.Fatal(err)
	}

	// Faults: each changes nothing, and is one line.
	w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"hooli"}`)
	log.take()
	for fault, organizations := range map[string]string{
		"purpose":  strings.Replace(two, "purpose: source", "purpose: sauce", 1),
		"hooli":    `{hooli: {}, initech: {}}`,
		"globex":   `{initech: {external_id: {mode: custom, value: Globex}}}`,
		"not YAML": "{",
	} {
		w.declare(organizations)
		w.readAgain()
		found := false
		text := log.take()
		for line := range strings.Lines(text) {
			found = found || strings.Contains(line, "the one before it goes on") && strings.Contains(line, "rolecall.yaml") && strings.Contains(line, fault)
		}
		if !found {
			t.Errorf("%s: the log says\n%s", fault, text)
		}
		w.must(http.StatusNotFound, http.MethodGet, "/api/o/initech", "")
		w.must(http.StatusOK, http.MethodGet, "/api/o/globex", "")
	}
}

// The certificate is read again, and a wrong one is not used.
func TestCertificateAgain(t *testing.T) {
	t.Parallel()
	w := unserved(t, inDirectory, "{}")
	w.more = "tls: {certificate: ./tls.crt, key: ./tls.key}\n"
	w.declare("{}")
	w.certify(1)
	w.start()
	if got := w.serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	w.certify(2)
	w.readAgain()
	if got := w.serial(); got != 2 {
		t.Errorf("serial %d, want 2", got)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "tls.key"), []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.readAgain()
	if got := w.serial(); got != 2 {
		t.Errorf("serial %d, want 2", got)
	}
}

// certify writes a certificate with the serial number.
func (w *world) certify(serial int64) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(w.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// serial is that of the certificate that the service shows.
func (w *world) serial() int64 {
	w.t.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", u.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
