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

// What makes the null server cheap over plain http: large answers go from the
// page cache to the socket, and large bodies are dropped by the kernel, so that
// neither is copied in its process.

const cheapFrom = 256 << 10 // bytes; below, a copy costs less than the calls

// reel is the pattern as a file.
type reel struct{ name string }

func newReel(dir string, pattern []byte) (reel, error) {
	r := reel{filepath.Join(dir, "pattern")}
	return r, os.WriteFile(r.name, pattern, 0o600)
}

// send answers with n bytes of the endless pattern from off.
func (r reel) send(w http.ResponseWriter, off, n int64) error {
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

// droppers are connections of which large reads give nothing but the number of
// bytes. Nobody but discard reads that much at once.
type droppers struct{ net.Listener }

// Accept accepts a connection.
func (d droppers) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		conn = dropper{tcp}
	}
	return conn, err
}

type dropper struct{ *net.TCPConn }

// Read reads, or drops what it would read.
func (d dropper) Read(p []byte) (int, error) {
	if len(p) < cheapFrom {
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

// bins are never looked into, and large ones take fewer calls.
var bins = sync.Pool{New: func() any { return new([4 << 20]byte) }}

// discard reads a body to its end.
func discard(r io.Reader) error {
	bin := bins.Get().(*[4 << 20]byte) //nolint:forcetypeassert // it holds nothing else
	defer bins.Put(bin)
	for {
		if _, err := r.Read(bin[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
