package guard

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for addr, reason := range map[string]string{
		"8.8.8.8": "", "52.218.0.1": "", "2600:1f00::1": "", "2a00:1450::1": "", "172.32.0.1": "", "100.128.0.1": "",
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified",
		"10.1.2.3": "private network", "172.16.0.1": "private network", "172.31.255.255": "private network",
		"192.168.1.1": "private network", "fd12::1": "private network", "fc00::1": "private network",
		"100.64.0.1": "carrier-grade NAT", "100.127.255.255": "carrier-grade NAT",
		"169.254.169.254": "instance metadata", "fd00:ec2::254": "instance metadata", "100.100.100.200": "instance metadata",
		"168.63.129.16": "instance metadata", "169.254.170.2": "container credentials", "169.254.170.23": "container credentials",
		"169.254.1.1": "link-local", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "fec0::1": "site-local",
		"::ffff:8.8.8.8": "IPv4-mapped", "::ffff:127.0.0.1": "IPv4-mapped", "::127.0.0.1": "IPv4-compatible",
		"::ffff:0:7f00:1": "IPv4-translated",
		"64:ff9b::7f00:1": "NAT64", "64:ff9b::808:808": "NAT64", "64:ff9b:1::a9fe:a9fe": "NAT64",
		"2002:7f00:1::": "6to4", "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo", "2001:20::1": "protocol assignments",
		"224.0.0.1": "multicast", "239.1.1.1": "multicast", "ff02::1": "multicast",
		"255.255.255.255": "broadcast", "240.0.0.1": "reserved", "192.88.99.1": "6to4 relay", "192.0.0.170": "protocol assignments",
		"192.0.2.1": "documentation", "198.51.100.1": "documentation", "203.0.113.1": "documentation",
		"2001:db8::1": "documentation", "3fff::1": "documentation", "198.18.0.1": "benchmarking", "198.19.255.255": "benchmarking",
		"100::1": "discard", "4000::1": "not global unicast", "1::1": "not global unicast", "5f00::1": "segment routing",
	} {
		err := Guard{}.Check(netip.MustParseAddr(addr))
		var refused *Error
		if reason == "" && err != nil || reason != "" && (!errors.As(err, &refused) || refused.Reason != reason) {
			t.Errorf("%s: got %v, want %q", addr, err, reason)
		}
	}
	if err := (Guard{}).Check(netip.Addr{}); err == nil {
		t.Error("the zero address passed")
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	g := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00:1::/32")}}
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": true, "fd00:1::7": true, "fd00:1::7%eth0": true,
		"10.0.0.1": false, "::1": false, "fd00:2::7": false, "::ffff:10.0.0.1": false,
	} {
		if got := g.Check(netip.MustParseAddr(addr)) == nil; got != want {
			t.Errorf("%s: allowed %v, want %v", addr, got, want)
		}
	}
}

// The spelling of an address does not matter: the guard sees what is dialled.
func TestSpellings(t *testing.T) {
	t.Parallel()
	client := Guard{}.client(newSockets())
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "[::ffff:7f00:1]", "localhost", "169.254.169.254"} {
		resp, err := get(t, client, "http://"+host+":1/")
		if err == nil {
			resp.Body.Close()
		}
		var refused *Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want a refusal", host, err)
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	client := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.client(newSockets())
	defer client.CloseIdleConnections()
	resp, err := get(t, client, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound || asked.Load() != 1 {
		t.Errorf("a redirect was followed: status %d after %d requests", resp.StatusCode, asked.Load())
	}
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the client uses a proxy")
	}
}

// The name first resolves to a public address, which a check before dialling
// would see, and then to a loopback one.
func TestRebinding(t *testing.T) {
	t.Parallel()
	answers := []string{"93.184.216.34", "127.0.0.1"}
	var asked atomic.Int32
	resolver := fakeResolver(t, func() netip.Addr {
		return netip.MustParseAddr(answers[min(int(asked.Add(1))-1, len(answers)-1)])
	})
	before, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example")
	if err != nil || before[0].Unmap() != netip.MustParseAddr("93.184.216.34") {
		t.Fatal(before, err)
	}
	_, err = Guard{Resolver: resolver}.DialContext(t.Context(), "tcp4", "rebind.example:80")
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != "loopback" {
		t.Fatalf("got %v, want a refusal of loopback", err)
	}
}

// The AWS SDK would otherwise dial a refused address again and again.
func TestNotRetried(t *testing.T) {
	t.Parallel()
	_, err := Guard{}.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if retry.NewStandard().IsErrorRetryable(&smithyhttp.RequestSendError{Err: &url.Error{Op: "Get", URL: "http://x", Err: err}}) {
		t.Errorf("%v is tried again", err)
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"unix", "udp4", "ip4:1"} {
		if err := (Guard{}).control(network, "8.8.8.8:1", nil); err == nil {
			t.Errorf("%s passed", network)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::1", "fe80::1%x", "2600::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return
		}
		bare := addr.WithZone("")
		public := bare.IsGlobalUnicast() && !bare.IsPrivate() && !bare.Is4In6()
		if err := (Guard{}).Check(addr); err == nil && !public {
			t.Errorf("%s passed", s)
		}
		if addr.Is4() && (Guard{}).Check(netip.AddrFrom16(addr.As16())) == nil {
			t.Errorf("%s passed as IPv4-mapped", s)
		}
		if err := (Guard{Allow: []netip.Prefix{netip.PrefixFrom(bare, bare.BitLen())}}).Check(addr); err != nil {
			t.Errorf("%s refused although allowed: %v", s, err)
		}
	})
}

func get(t *testing.T, client *http.Client, target string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	var wrapped *url.Error
	if err != nil && (!errors.As(err, &wrapped) || !strings.HasPrefix(wrapped.URL, "http://")) {
		t.Errorf("unexpected error %v", err)
	}
	return resp, err
}

// fakeResolver answers every A question with what next returns, over an
// in-memory connection.
func fakeResolver(t *testing.T, next func() netip.Addr) *net.Resolver {
	t.Helper()
	serve := func(conn net.Conn) {
		defer conn.Close()
		for {
			var size [2]byte
			if _, err := conn.Read(size[:]); err != nil {
				return
			}
			question := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := conn.Read(question); err != nil {
				return
			}
			end := 12
			for question[end] != 0 {
				end += int(question[end]) + 1
			}
			end += 5
			answer := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, question[12:end]...)
			ip := next().As4()
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, ip[:]...)
			message := append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)
			if _, err := conn.Write(message); err != nil {
				return
			}
		}
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server)
		return client, nil
	}}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&url.Error{Err: &Error{Reason: "loopback"}}, true},
		{&url.Error{Err: &net.DNSError{IsNotFound: true}}, true},
		{&url.Error{Err: &net.DNSError{IsTimeout: true}}, false},
		{errors.New("refused"), false},
		{nil, false},
	} {
		if got := Closed(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
