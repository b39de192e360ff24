package guard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// fakeDial makes connections that lead nowhere.
func fakeDial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	return ours, theirs.Close()
}

// No more connections are open at once than the limit allows. Idle ones make room.
func TestSocketsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSockets()
		dial := s.counted(fakeDial)
		var open []net.Conn
		for range Sockets {
			conn, err := dial(t.Context(), "tcp", "x:1")
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, conn)
		}
		began := time.Now()
		if _, err := dial(t.Context(), "tcp", "x:1"); !errors.Is(err, errNoSocket) || time.Since(began) != socketWait {
			t.Errorf("one too many: %v, after %v", err, time.Since(began))
		}
		for range 2 { // closed twice, it counts once
			_ = open[0].Close()
		}
		if conn, err := dial(t.Context(), "tcp", "x:1"); err != nil {
			t.Error(err)
		} else {
			open[0] = conn
		}
		s.evict = func() { _ = open[1].Close() }
		conn, err := dial(t.Context(), "tcp", "x:1")
		if err != nil {
			t.Error("idle connections were kept:", err)
		}
		failing := s.counted(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") })
		_ = conn.Close()
		for range 3 {
			if _, err := failing(t.Context(), "tcp", "x:1"); err == nil || errors.Is(err, errNoSocket) {
				t.Error(err)
			}
		}
		for _, conn := range open {
			_ = conn.Close()
		}
		if len(s.open) != 0 {
			t.Errorf("%d are still counted", len(s.open))
		}
	})
}

// The connections of all clients are counted together, and idle ones make room.
func TestClientsCountTogether(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	s := &sockets{open: make(chan struct{}, 2)} // for three clients
	allowed := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	clients := Clients{Operator: operatorClient(s), tenant: forTLS(allowed).client(s), plain: forPlain(allowed).client(s)}
	s.evict = clients.Close
	for _, c := range []*http.Client{clients.Operator, clients.tenant, clients.plain} {
		resp, err := get(t, c, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	clients.Close()
}
