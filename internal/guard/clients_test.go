package guard

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPlainHTTPReachesListedAddressesOnly(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	t.Cleanup(server.Close)
	get := func(allow ...string) error {
		var prefixes []netip.Prefix
		for _, a := range allow {
			prefixes = append(prefixes, netip.MustParsePrefix(a))
		}
		clients := NewClients(prefixes)
		defer clients.Close()
		url := strings.Replace(server.URL, "http", "HTTP", 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := clients.Tenant(url).Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	if err := get("127.0.0.0/8"); err != nil {
		t.Error(err)
	}
	var refused *Error
	for _, allow := range [][]string{nil, {"10.0.0.0/8"}} {
		if err := get(allow...); !errors.As(err, &refused) {
			t.Errorf("with %v: %v", allow, err)
		}
	}
}

func TestOnlyHTTPSIsNotPlain(t *testing.T) {
	t.Parallel()
	c := NewClients(nil)
	defer c.Close()
	for url, tls := range map[string]bool{"http://a": false, "HTTP://a": false, "https://a": true, "HTTPS://a": true, "": false, "a": false} {
		if got := c.Tenant(url) == c.tenant; got != tls {
			t.Errorf("%q: %v", url, got)
		}
	}
}

// Programs without a guard may be sent only to addresses that the operator
// lists.
func TestListed(t *testing.T) {
	t.Parallel()
	c := NewClients([]netip.Prefix{netip.MustParsePrefix("10.1.2.0/24")})
	defer c.Close()
	for url, want := range map[string]bool{
		"https://10.1.2.3": true, "http://10.1.2.3:9000": true, "https://[::ffff:10.1.2.3]": true,
		"https://8.8.8.8": false, "https://[2600:1f00::1]:9000/": false,
		"http://8.8.8.8": false, "https://10.1.3.3": false, "https://127.0.0.1": false, "https://[::ffff:127.0.0.1]": false, "https://[fe80::1%25lo]": false,
		"https://s3.example.com": false, "https://localhost": false, "https://167838211": false, "https://012.1.2.3": false, "https://10.1.515": false,
		"https://": false, "10.1.2.3": false, "": false, "ftp://10.1.2.3": false, "https://%zz": false,
	} {
		if err := c.Listed(url); err == nil != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}
