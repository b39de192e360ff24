package guard

import (
	"context"
	"io"
	"net"
	"sync"
)

const (
	// ioBuffer is how many bytes of media are sent at once.
	ioBuffer = 256 << 10
	// readBuffer and writeBuffer belong to a connection. Headers and small objects
	// go through them, media bypass them.
	readBuffer  = 16 << 10
	writeBuffer = 72 << 10
	// idleConnections is how many idle connections are kept, for all hosts. Their
	// buffers are kept as well.
	idleConnections = 384
	// maxHeader is how long an answer's header may be. S3's have 8 KiB at most, with
	// those of users.
	maxHeader = 32 << 10
)

// largeBufferConn sends with large buffers: net/http passes a request's body to
// its connection, and that of package net would use 32 KiB at a time.
type largeBufferConn struct {
	net.Conn
	buffers *sync.Pool // of *[]byte
}

// withLargeBuffers returns a dialler of such connections.
func withLargeBuffers(dial dialFunc) dialFunc {
	buffers := &sync.Pool{New: func() any {
		b := make([]byte, ioBuffer)
		return &b
	}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return largeBufferConn{conn, buffers}, nil
	}
}

// ReadFrom sends what it reads from r.
func (c largeBufferConn) ReadFrom(r io.Reader) (int64, error) {
	buf := c.buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	defer c.buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, *buf)
}
