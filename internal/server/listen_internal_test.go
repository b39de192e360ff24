package server

import (
	"net/netip"
	"testing"
)

// The client is the last address that no proxy vouches for, however proxies
// write it.
func TestForwardedFor(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for header, want := range map[string]string{
		"192.0.2.1":                          "192.0.2.1",
		"192.0.2.1:4711":                     "192.0.2.1",
		"2001:db8::1":                        "2001:db8::1",
		"[2001:db8::1]":                      "2001:db8::1",
		"[2001:db8::1]:99":                   "2001:db8::1",
		"192.0.2.9, 192.0.2.1, 10.1.1.1":     "192.0.2.1",
		"192.0.2.9, 192.0.2.1:1, 10.1.1.1:2": "192.0.2.1",
		"unknown":                            "10.0.0.1",
		"":                                   "10.0.0.1",
	} {
		if got := forwardedFor(proxies, netip.MustParseAddr("10.0.0.1"), []string{header}); got.String() != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := forwardedFor(proxies, netip.MustParseAddr("192.0.2.7"), []string{"192.0.2.1"}); got.String() != "192.0.2.7" {
		t.Errorf("from nobody's proxy: %s", got)
	}
}
