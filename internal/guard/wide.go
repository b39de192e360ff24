package guard

import (
	"context"
	"io"
	"net"
	"sync"
)

const (
	// ioBuffer is how much of media goes over a connection at once.
	ioBuffer = 256 << 10
	// readBuffer and writeBuffer stay with a connection: headers and small
	// objects go through them, media past them.
	readBuffer  = 16 << 10
	writeBuffer = 72 << 10
	// connections is how many are kept for the next requests, whatever the hosts:
	// as many as there may have been at once. Their buffers are held as well.
	connections = 384
)

// wideConn copies with large buffers what is sent: net/http leaves a request's
// body to its connection, and that of package net would take 32 KiB at a time.
type wideConn struct {
	net.Conn
	buffers *sync.Pool // of *[]byte
}

// wide makes a dialler of such connections.
func wide(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	buffers := &sync.Pool{New: func() any {
		b := make([]byte, ioBuffer)
		return &b
	}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wideConn{conn, buffers}, nil
	}
}

// ReadFrom sends what r gives.
func (c wideConn) ReadFrom(r io.Reader) (int64, error) {
	buf := c.buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	defer c.buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, *buf)
}
