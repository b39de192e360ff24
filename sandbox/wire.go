package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// cutError ends reads and writes after a fault cut the connection; the server
// then closes it.
type cutError struct{}

func (cutError) Error() string { return "the connection was cut by a fault" }

// recorder writes an answer, keeps its status and the beginning of an error,
// and cuts the connection where a fault says so.
type recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	begin   []byte // of an error's body

	limited bool
	left    int64 // bytes until the cut, when limited
	cut     bool
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.cut {
		return
	}
	if status >= http.StatusOK && w.status == 0 {
		w.status = status
	}
	if w.limited && w.left == 0 {
		w.cut = true
		return
	}
	w.control.SetWriteDeadline(time.Now().Add(idleTimeout)) //nolint:errcheck // not every writer has one
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.cut {
		return 0, cutError{}
	}
	if w.status >= http.StatusBadRequest && len(w.begin) < 512 {
		w.begin = append(w.begin, p[:min(len(p), 512)]...)
	}
	w.control.SetWriteDeadline(time.Now().Add(idleTimeout)) //nolint:errcheck // not every writer has one
	if !w.limited {
		return w.ResponseWriter.Write(p)
	}
	n, err := w.ResponseWriter.Write(p[:min(int64(len(p)), w.left)])
	w.left -= int64(n)
	if err == nil && w.left == 0 {
		w.control.Flush()
		w.cut, err = true, cutError{}
	}
	return n, err
}

// errorCode returns the code in an error's XML, or the status.
func (w *recorder) errorCode() string {
	if _, after, ok := bytes.Cut(w.begin, []byte("<Code>")); ok {
		if code, _, ok := bytes.Cut(after, []byte("</Code>")); ok {
			return string(code)
		}
	}
	return strconv.Itoa(w.status)
}

// pacedBody limits the time for each read, instead of that for the whole body;
// there is no limit after the body's end.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.control.SetReadDeadline(time.Now().Add(idleTimeout)) //nolint:errcheck // not every writer has one
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.control.SetReadDeadline(time.Time{}) //nolint:errcheck // not every writer has one
	}
	return n, err
}

// cutBody reads the beginning of a request's body and then cuts the
// connection.
type cutBody struct {
	io.ReadCloser
	left int64
	out  *recorder
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.out.cut = true
		return 0, cutError{}
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
