package transfer

import (
	"context"
	"io"
	"math"
	"net"
	"sync"
	"testing"
)

// gap is in a way to S3: a connection ends after so many bytes in a direction.
// Toxiproxy's limit does that as well, but where S3 ended the connection before
// it may hold the client's open for ever.
type gap struct {
	stream string // upstream, to S3, or downstream
	after  int64
	reset  bool // and not just closed
}

// newGap is a road whose first connections meet the gap.
func newGap(t *testing.T, s *server, bad int, g gap) *road {
	t.Helper()
	r := newStraight(t, s)
	r.proxy, r.bad = g.listen(t, r.to), bad
	return r
}

// listen opens the way and gives its address.
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
			all.Go(func() { g.carry(ctx, near, to) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		cancel()
		all.Wait()
	})
	return listener.Addr().String()
}

// carry passes on what either side sends, until one of them ends.
func (g gap) carry(ctx context.Context, near net.Conn, to string) {
	defer near.Close()
	far, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	end := func() {
		near.Close()
		far.Close()
	}
	defer context.AfterFunc(ctx, end)()
	if g.reset {
		near.(*net.TCPConn).SetLinger(0) //nolint:errcheck,forcetypeassert // it is TCP, and may have ended
		far.(*net.TCPConn).SetLinger(0)  //nolint:errcheck,forcetypeassert // as above
	}
	var both sync.WaitGroup
	both.Go(func() {
		defer end()
		g.pass(far, near, "upstream")
	})
	both.Go(func() {
		defer end()
		g.pass(near, far, "downstream")
	})
	both.Wait()
}

// pass passes bytes on until there are no more, or were enough.
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
