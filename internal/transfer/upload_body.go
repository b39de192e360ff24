package transfer

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// content is bytes to be sent once, with the sum of those that were read.
type content interface {
	io.ReadCloser
	sum() sum
}

// body is what one attempt sends. After Close nothing is read any more, even by
// a transport that is slow to notice that S3 has answered: what is below may
// then be used for something else.
type body struct {
	cancel func() // ends waits of the content

	mu       sync.Mutex
	from     content
	left     int64 // of the content, not read yet
	head     []byte
	tail     func(sum) []byte // nil: no trailer
	check    func(sum) error  // called before the last byte is returned; may be nil
	progress func(left int64) // called at each read of the content; may be nil
	ended    bool             // only head is left
	closed   bool
}

var errClosed = errors.New("the attempt has ended")

// addTrailer frames the content as one chunk, followed by its checksum, which
// need not be known before.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func (b *body) addTrailer() {
	b.head = fmt.Appendf(nil, "%x\r\n", b.left)
	b.tail = func(s sum) []byte { return []byte("\r\n0\r\n" + crc64Trailer + ":" + s.encoded() + "\r\n\r\n") }
}

const crc64Trailer = "x-amz-checksum-crc64nvme"

// framedLength returns the length of a content of n bytes with its trailer.
func framedLength(n int64) int64 {
	return int64(len(fmt.Sprintf("%x\r\n", n))+len("\r\n0\r\n"+crc64Trailer+":"+sum{}.encoded()+"\r\n\r\n")) + n
}

// Read reads the content and its frame.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errClosed
	}
	n := copy(p, b.head)
	if b.head = b.head[n:]; n < len(p) && !b.ended {
		m, err := b.readContent(p[n:])
		if err != nil {
			return 0, err
		}
		n += m
		if b.progress != nil {
			b.progress(b.left)
		}
		if b.ended {
			m = copy(p[n:], b.head)
			b.head, n = b.head[m:], n+m
		}
	}
	if n == 0 && b.ended && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) readContent(p []byte) (int, error) {
	n := 0
	if b.left > 0 {
		var err error
		n, err = b.from.Read(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.left > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
	}
	b.ended = true
	if b.check != nil {
		if err := b.check(b.from.sum()); err != nil {
			return 0, err
		}
	}
	if b.tail != nil {
		b.head = b.tail(b.from.sum())
	}
	return n, nil
}

// Close ends the attempt.
func (b *body) Close() error {
	b.cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.from.Close()
}

// sent returns the sum of what was read, and whether that was everything.
func (b *body) sent() (sum, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.from.sum(), b.ended
}
