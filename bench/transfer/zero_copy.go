package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Over plain http the null server copies nothing in its process: large answers
// go from the page cache to the socket, and the kernel drops large bodies.

const zeroCopyFrom = 256 << 10 // bytes; below, a copy costs less than the calls

// patternFile is the pattern as a file.
type patternFile struct{ name string }

func newPatternFile(dir string, pattern []byte) (patternFile, error) {
	p := patternFile{filepath.Join(dir, "pattern")}
	return p, os.WriteFile(p.name, pattern, 0o600)
}

// send answers with n bytes of the endless pattern from off.
func (r patternFile) send(w http.ResponseWriter, off, n int64) error {
	sink, ok := w.(io.ReaderFrom)
	if !ok {
		return errors.New("the answer takes no file")
	}
	file, err := os.Open(r.name)
	if err != nil {
		return err
	}
	defer file.Close()
	for n > 0 {
		from := off % patternSize
		if _, err := file.Seek(from, io.SeekStart); err != nil {
			return err
		}
		length := min(patternSize-from, n)
		if _, err := sink.ReadFrom(&io.LimitedReader{R: file, N: length}); err != nil {
			return err
		}
		off, n = off+length, n-length
	}
	return nil
}

// discardingListener accepts connections whose large reads return only the
// number of bytes. Only discard reads that much at once.
type discardingListener struct{ net.Listener }

// Accept accepts a connection.
func (d discardingListener) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		conn = discardingConn{tcp}
	}
	return conn, err
}

type discardingConn struct{ *net.TCPConn }

// Read reads, or drops the bytes and returns their number.
func (d discardingConn) Read(p []byte) (int, error) {
	if len(p) < zeroCopyFrom {
		return d.TCPConn.Read(p)
	}
	raw, err := d.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, _, failed = syscall.Recvfrom(int(fd), p, syscall.MSG_TRUNC) // tcp(7)
		return !errors.Is(failed, syscall.EAGAIN)
	})
	if err = errors.Join(err, failed); err == nil && n == 0 {
		return 0, io.EOF
	}
	return max(n, 0), err
}

// scratch has buffers that are never read. Large ones take fewer calls.
var scratch = sync.Pool{New: func() any { return new([4 << 20]byte) }}

// discard reads a body to its end.
func discard(r io.Reader) error {
	buf := scratch.Get().(*[4 << 20]byte) //nolint:forcetypeassert // it holds nothing else
	defer scratch.Put(buf)
	for {
		if _, err := r.Read(buf[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
