package transfer

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// single writes the object with one request: what fits a buffer is held, and
// summed before, the rest is streamed.
func (u upload) single(ctx context.Context) (Result, error) {
	if ours, err := u.look(ctx, u.read); ours != nil || err != nil {
		return u.result(ours, 1), err
	}
	var all sum
	var err error
	if u.size > ioBuffer {
		all, err = u.stream(ctx)
	} else {
		all, err = u.hold(ctx)
	}
	if err == nil {
		return Result{Bytes: all.n, CRC64: all.crc64, Parts: 1}, nil
	}
	return u.settle(ctx, u.read, 1, err)
}

func (u upload) hold(ctx context.Context) (sum, error) {
	memory := u.to.Client.wire.memory
	if err := memory.acquire(ctx); err != nil {
		return sum{}, err
	}
	defer memory.release()
	// Not lent from the memory: a transport may still read it after its answer.
	bytes := make([]byte, u.size)
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	if u.size == 0 { // it may have to be there
		if _, err := c.Read(nil); err != nil && !errors.Is(err, io.EOF) {
			return sum{}, err
		}
	} else if _, err := io.ReadFull(c, bytes); err != nil {
		return sum{}, err
	}
	all := c.sum()
	if err := u.ready(all); err != nil {
		return sum{}, err
	}
	r := u.putObject()
	if err := u.carry(r); err != nil {
		return sum{}, err
	}
	if !u.to.NoChecksums {
		r.header["X-Amz-Checksum-Crc64nvme"] = []string{all.encoded()}
	}
	r.held = bytes
	header, err := u.to.Client.wire.put(ctx, r)
	if err != nil {
		return sum{}, err
	}
	return all, lasting(offeredBy(header).whole(), all.as("CRC64NVME"))
}

// carry adds what the object carries to the request that writes it.
func (u upload) carry(r request) error {
	properties, err := u.properties()
	maps.Copy(r.header, properties)
	return err
}

func (u upload) stream(ctx context.Context) (sum, error) {
	all, header, err := u.send(ctx, u.putObject(), span{0, u.size}, u.ready)
	if err != nil {
		return sum{}, err
	}
	return all, lasting(offeredBy(header).whole(), all.as("CRC64NVME"))
}

// putObject is the request for the object in one piece.
func (u upload) putObject() request {
	r := u.request("PutObject")
	set := func(name, value string) {
		if value != "" {
			r.header[name] = []string{value}
		}
	}
	set("If-None-Match", aws.ToString(u.condition()))
	set("X-Amz-Server-Side-Encryption", u.options.Encryption.Type)
	set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", u.options.Encryption.Key)
	set("X-Amz-Storage-Class", u.options.StorageClass)
	set("X-Amz-Acl", u.options.ACL)
	return r
}

func (u upload) request(operation string) request {
	return request{
		bucket: u.to, key: u.key, query: "x-id=" + operation, header: http.Header{}, hash: unsigned, length: u.size,
	}
}

// send streams a span, with its checksum behind it, and gives the sum of what
// was sent and the answer's header. What cannot be taken up again in the
// middle is sent again from the beginning. The bytes of a part are reported as
// they are sent; the whole, which may be refused for what it carries and then
// be written anew without, is not.
func (u upload) send(ctx context.Context, r request, at span, ready func(sum) error) (sum, http.Header, error) {
	memory := u.to.Client.wire.memory
	if err := memory.acquire(ctx); err != nil {
		return sum{}, nil, err
	}
	defer memory.release()
	if r.length = at.n; !u.to.NoChecksums {
		r.length, r.hash = framed(at.n), unsignedTrailer
		r.header["X-Amz-Decoded-Content-Length"] = []string{strconv.FormatInt(at.n, 10)}
		r.header["X-Amz-Trailer"] = []string{crc64Trailer}
	}
	var told func(int64)
	if ready == nil {
		told = u.advance(at.n)
	}
	open := func(ctx context.Context) *body {
		ctx, cancel := context.WithCancel(ctx)
		b := &body{from: u.open(ctx, at), left: at.n, ready: ready, told: told, cancel: cancel}
		if !u.to.NoChecksums {
			b.trailer()
		}
		return b
	}
	var next, last *body
	r.body = func(ctx context.Context) io.ReadCloser {
		if last, next = next, nil; last == nil {
			last = open(ctx)
		}
		return last
	}
	if ready != nil { // the whole: what it carries is known when it is open
		next = open(ctx)
		defer func() {
			if next != nil { // nothing was sent
				next.Close()
			}
		}()
		if err := u.carry(r); err != nil {
			return sum{}, nil, err
		}
	}
	if !u.to.NoChecksums {
		r.header["Content-Encoding"] = []string{strings.TrimSuffix(packing+","+r.header.Get("Content-Encoding"), ",")}
	}
	header, err := u.to.Client.wire.put(ctx, r)
	if err != nil {
		return sum{}, nil, err
	}
	all, whole := last.sent()
	if !whole {
		return sum{}, nil, malformed("S3 says that it has what was not sent yet")
	}
	return all, header, nil
}

// advance reports of n bytes those that no attempt has come to before. Attempts
// follow one another, as one that is closed reads no more.
func (u upload) advance(n int64) func(left int64) {
	return func(left int64) {
		if left < n {
			report(u.options.Progress, n-left)
			n = left
		}
	}
}

// read sums all bytes without sending them.
func (u upload) read(ctx context.Context) (sum, error) {
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	buf, giveBack, err := u.to.Client.wire.memory.lend(ctx, u.size)
	if err != nil {
		return sum{}, err
	}
	defer giveBack()
	for {
		if _, err := c.Read(buf); errors.Is(err, io.EOF) {
			return c.sum(), nil
		} else if err != nil {
			return sum{}, err
		}
	}
}
