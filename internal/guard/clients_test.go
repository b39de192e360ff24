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
