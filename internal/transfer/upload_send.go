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

// single writes the object with one request. An object that fits a buffer is
// read and summed before; larger ones are streamed.
func (u upload) single(ctx context.Context) (Result, error) {
	if existing, err := u.lookFirst(ctx, u.sumSource); existing != nil || err != nil {
		return u.alreadyThere(existing, 1), err
	}
	var all sum
	var err error
	if u.size > ioBuffer {
		all, err = u.sendStreamed(ctx)
	} else {
		all, err = u.sendBuffered(ctx)
	}
	result := Result{Bytes: all.n, CRC64: all.crc64, Parts: 1}
	switch {
	case err == nil:
		return result, nil
	case errors.Is(err, errUnconfirmed):
		return u.confirm(ctx, func(context.Context) (sum, error) { return all, nil }, result)
	default:
		return u.explainFailure(ctx, u.sumSource, 1, err)
	}
}

func (u upload) sendBuffered(ctx context.Context) (sum, error) {
	limits := u.to.Client.wire.limits
	if err := limits.acquire(ctx); err != nil {
		return sum{}, err
	}
	defer limits.release()
	// Not one of the limits' buffers: a transport may still read it after the answer.
	bytes := make([]byte, u.size)
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	if u.size == 0 { // the object may have to exist
		if _, err := c.Read(nil); err != nil && !errors.Is(err, io.EOF) {
			return sum{}, err
		}
	} else if _, err := io.ReadFull(c, bytes); err != nil {
		return sum{}, err
	}
	all := c.sum()
	if err := u.check(all); err != nil {
		return sum{}, err
	}
	r := u.putObject()
	if err := u.addProperties(r); err != nil {
		return sum{}, err
	}
	if !u.to.NoChecksums {
		r.header["X-Amz-Checksum-Crc64nvme"] = []string{all.encoded()}
	}
	r.buffered = bytes
	header, err := u.to.Client.wire.put(ctx, r)
	if err != nil {
		return all, err
	}
	return all, checkStoredObject(checksumsIn(header).fullObject(), all.as("CRC64NVME"))
}

// addProperties adds the object's properties to the request that writes it.
func (u upload) addProperties(r request) error {
	properties, err := u.properties()
	maps.Copy(r.header, properties)
	return err
}

func (u upload) sendStreamed(ctx context.Context) (sum, error) {
	all, header, err := u.send(ctx, u.putObject(), span{0, u.size}, u.check)
	if err != nil {
		return all, err
	}
	return all, checkStoredObject(checksumsIn(header).fullObject(), all.as("CRC64NVME"))
}

// putObject returns the request for the object in one piece.
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

// send streams a span, followed by its checksum. It returns the sum of what was
// sent and the answer's header. A span that fails is sent again from its
// beginning. The bytes of a part are reported as they are sent. Those of a
// whole object are not: S3 may refuse it for its properties, and then it is
// written again without.
func (u upload) send(ctx context.Context, r request, at span, check func(sum) error) (sum, http.Header, error) {
	limits := u.to.Client.wire.limits
	if err := limits.acquire(ctx); err != nil {
		return sum{}, nil, err
	}
	defer limits.release()
	if r.length = at.n; !u.to.NoChecksums {
		r.length, r.hash = framedLength(at.n), unsignedTrailer
		r.header["X-Amz-Decoded-Content-Length"] = []string{strconv.FormatInt(at.n, 10)}
		r.header["X-Amz-Trailer"] = []string{crc64Trailer}
	}
	var progress func(int64)
	if check == nil {
		progress = u.progressOnce(at.n)
	}
	open := func(ctx context.Context) *body {
		ctx, cancel := context.WithCancel(ctx)
		b := &body{from: u.open(ctx, at), left: at.n, check: check, progress: progress, cancel: cancel}
		if !u.to.NoChecksums {
			b.addTrailer()
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
	if check != nil { // the whole: its properties are known when it is open
		next = open(ctx)
		defer func() {
			if next != nil { // nothing was sent
				next.Close()
			}
		}()
		if err := u.addProperties(r); err != nil {
			return sum{}, nil, err
		}
	}
	if !u.to.NoChecksums {
		r.header["Content-Encoding"] = []string{strings.TrimSuffix(awsChunked+","+r.header.Get("Content-Encoding"), ",")}
	}
	header, err := u.to.Client.wire.put(ctx, r)
	if err != nil && !errors.Is(err, errUnconfirmed) {
		return sum{}, nil, err
	}
	all, whole := last.sent()
	if !whole {
		return sum{}, nil, malformed("S3 says that it has what was not sent yet")
	}
	return all, header, err
}

// progressOnce returns a function that reports, of n bytes, those that no
// attempt has reached before. Attempts do not overlap, since one that is closed
// reads no more.
func (u upload) progressOnce(n int64) func(left int64) {
	return func(left int64) {
		if left < n {
			report(u.options.Progress, n-left)
			n = left
		}
	}
}

// sumSource sums all bytes without sending them.
func (u upload) sumSource(ctx context.Context) (sum, error) {
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	buf, release, err := u.to.Client.wire.limits.buffer(ctx, u.size)
	if err != nil {
		return sum{}, err
	}
	defer release()
	for {
		if _, err := c.Read(buf); errors.Is(err, io.EOF) {
			return c.sum(), nil
		} else if err != nil {
			return sum{}, err
		}
	}
}
