package guard

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Sockets is how many connections the Clients of a process have open at once.
// What package transfer has under way needs fewer; the rest are idle ones, which
// make room for others, and those that are being made for requests that ended.
const Sockets = 1280

// socketWait is how long a connection is waited for.
const socketWait = 10 * time.Second

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// sockets counts open connections.
type sockets struct {
	open  chan struct{}
	evict func() // closes idle connections
}

func newSockets() *sockets { return &sockets{open: make(chan struct{}, Sockets), evict: func() {}} }

var errNoSocket = errors.New("too many connections are open")

// counted returns a dialler whose connections are counted until they are closed.
func (s *sockets) counted(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := s.acquire(ctx); err != nil {
			return nil, err
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			<-s.open
			return nil, err
		}
		return &countedConn{conn, sync.OnceFunc(func() { <-s.open })}, nil
	}
}

func (s *sockets) acquire(ctx context.Context) error {
	select {
	case s.open <- struct{}{}:
		return nil
	default:
	}
	s.evict()
	timer := time.NewTimer(socketWait)
	defer timer.Stop()
	select {
	case s.open <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errNoSocket
	}
}

// countedConn is one connection.
type countedConn struct {
	net.Conn
	release func()
}

// Close closes the connection, which counts no more.
func (c *countedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
