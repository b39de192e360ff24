package task

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/rolecall/rolecall/internal/guard"
)

func TestPlainHTTPReachesListedAddressesOnly(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	t.Cleanup(server.Close)
	get := func(client *http.Client) error {
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	if err := get(plainClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})); err != nil {
		t.Error(err)
	}
	var refused *guard.Error
	for _, allow := range [][]netip.Prefix{nil, {netip.MustParsePrefix("10.0.0.0/8")}} {
		if err := get(plainClient(allow)); !errors.As(err, &refused) {
			t.Errorf("with %v: %v", allow, err)
		}
	}
}

func TestIsPlain(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{"http://a": true, "HTTP://a": true, "https://a": false, "": false} {
		if isPlain(endpoint) != want {
			t.Errorf("%q", endpoint)
		}
	}
}
