package transfer

import (
	"context"
	"io"
	"math"
	"net"
	"sync"
	"testing"
)

// gap is a proxy that ends a connection after a number of bytes in one
// direction. Toxiproxy's limit does that too, but if S3 has ended the
// connection before, it may keep the client's open forever.
type gap struct {
	stream string // upstream, to S3, or downstream
	after  int64
	reset  bool // and not just closed
}

// newGap returns a route whose first connections go through the gap.
func newGap(t *testing.T, s *server, bad int, g gap) *route {
	t.Helper()
	r := newDirectRoute(t, s)
	r.proxy, r.bad = g.listen(t, r.to), bad
	return r
}

// listen starts the proxy and returns its address.
func (g gap) listen(t *testing.T, to string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { g.pipe(ctx, near, to) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		cancel()
		all.Wait()
	})
	return listener.Addr().String()
}

// pipe forwards what either side sends, until one of them ends.
func (g gap) pipe(ctx context.Context, client net.Conn, to string) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	end := func() {
		client.Close()
		server.Close()
	}
	defer context.AfterFunc(ctx, end)()
	if g.reset {
		client.(*net.TCPConn).SetLinger(0) //nolint:errcheck,forcetypeassert // it is TCP, and may have ended
		server.(*net.TCPConn).SetLinger(0) //nolint:errcheck,forcetypeassert // as above
	}
	var both sync.WaitGroup
	both.Go(func() {
		defer end()
		g.pass(server, client, "upstream")
	})
	both.Go(func() {
		defer end()
		g.pass(client, server, "downstream")
	})
	both.Wait()
}

// pass forwards bytes until there are no more, or enough have passed.
func (g gap) pass(to io.Writer, from io.Reader, stream string) {
	left := int64(math.MaxInt64)
	if stream == g.stream {
		left = g.after
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		_, gone := to.Write(buf[:min(int64(n), left)])
		if left -= int64(n); left <= 0 || err != nil || gone != nil {
			return
		}
	}
}
