package sigv4

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	hashpkg "hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxLine bounds a chunk's header and a trailer's line.
	maxLine = 4096
	// minChunk is the least size of all chunks but the last.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
	minChunk = 8192
	// maxTrailers bounds how many trailers a body may have.
	maxTrailers = 16
)

// chunked decodes an aws-chunked body:
//
//	hex-size[;chunk-signature=hex]\r\n data \r\n … 0[;chunk-signature=hex]\r\n [name:value\r\n …] \r\n
//
// A chunk's bytes are returned before its signature is checked, so that no
// chunk needs to fit in memory; a wrong signature fails the read that ends the
// chunk.
type chunked struct {
	body     io.Closer
	in       *bufio.Reader
	request  *http.Request
	trailers bool
	sign     *signer // nil: chunks are not signed
	previous string  // signature that this chunk's is chained to

	total, declared int64 // decoded bytes so far, and as they must be in the end
	size, left      int64 // of the chunk
	started         bool
	given           string // signature of the chunk
	sum             hashpkg.Hash
	err             error
}

func newChunked(r *http.Request, length int64) *chunked {
	r.Trailer = http.Header{} // filled later, for copies of the request too
	return &chunked{
		body: r.Body, in: bufio.NewReaderSize(r.Body, 64<<10), request: r,
		declared: length, sum: sha256.New(),
	}
}

func (c *chunked) Close() error { return c.body.Close() }

func (c *chunked) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, c.err
	}
	for c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.sign != nil {
		c.sum.Write(p[:n])
	}
	if err != nil {
		c.err = cutShort(err)
	}
	return n, c.err
}

// next ends the current chunk and reads the header of the next one. It returns
// io.EOF after the last.
func (c *chunked) next() error {
	if c.started {
		if err := c.endChunk(); err != nil {
			return err
		}
		if line, err := c.line(); err != nil {
			return err
		} else if line != "" {
			return fault(BadChunk, "a chunk's data is longer than its header says")
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil {
		return fault(ChunkSize, "a chunk's size is not a hexadecimal number")
	}
	if c.started && n > 0 && c.size < minChunk {
		return fault(ChunkSize, "a chunk that is not the last is too small")
	}
	c.given = strings.TrimPrefix(extension, "chunk-signature=")
	c.size, c.left, c.started = int64(n), int64(n), true
	if c.left > c.declared-c.total {
		return fault(BadChunk, "the chunks are longer than x-amz-decoded-content-length")
	}
	c.total += c.left
	if c.left > 0 {
		return nil
	}
	if c.total != c.declared {
		return fault(ShortBody, "the chunks are shorter than x-amz-decoded-content-length")
	}
	if err := c.endChunk(); err != nil {
		return err
	}
	if err := c.readTrailers(); err != nil {
		return err
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		return fault(BadChunk, "there is more after the last chunk")
	}
	return io.EOF
}

func (c *chunked) endChunk() error {
	if c.sign == nil {
		return nil
	}
	sum := hex.EncodeToString(c.sum.Sum(nil))
	c.sum.Reset()
	return c.chain("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+sum, c.given)
}

// chain checks a signature that is chained to the previous one.
func (c *chunked) chain(kind, rest, given string) error {
	want := c.sign.sign(kind, c.previous+"\n"+rest)
	if !hmac.Equal([]byte(want), []byte(given)) {
		return fault(Mismatch, "the signature of a chunk is wrong")
	}
	c.previous = want
	return nil
}

// readTrailers reads the lines after the last chunk to the empty one, and
// puts them into the request's Trailer. Behind the trailers there may be one
// more empty line, before their signature if they have one, as in AWS's grammar
// of the trailer, where they end in "\n\r\n"; minio-go writes it so.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func (c *chunked) readTrailers() error {
	announced := strings.Split(strings.ToLower(c.request.Header.Get("X-Amz-Trailer")), ",")
	for i := range announced {
		announced[i] = strings.TrimSpace(announced[i])
	}
	trailer := c.request.Trailer
	var signed strings.Builder
	signature, separated := "", false
	for range maxTrailers {
		line, err := c.line()
		if err != nil && (c.trailers && !separated || !errors.Is(err, errEnd)) {
			return err
		}
		if line == "" && err == nil && signature == "" && !separated && len(trailer) > 0 {
			separated = true
			continue
		}
		if line == "" {
			if !c.arrived(announced) {
				return fault(BadTrailer, "a trailer that x-amz-trailer announces is missing")
			}
			if c.sign != nil && c.trailers {
				if err := c.chain("AWS4-HMAC-SHA256-TRAILER", hash(signed.String()), signature); err != nil {
					return err
				}
			}
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok || !c.trailers || trailer.Get(name) != "" || signature != "":
			return fault(BadTrailer, "the trailer is malformed")
		case c.sign != nil && name == trailerSignature:
			signature = value
		case separated:
			return fault(BadTrailer, "there is a trailer after the empty line")
		case !slices.Contains(announced, name):
			return fault(BadTrailer, "the trailer "+strconv.Quote(name)+" is not announced in x-amz-trailer")
		default:
			trailer.Set(name, value)
			signed.WriteString(name + ":" + value + "\n")
		}
	}
	return fault(BadTrailer, "there are too many trailers")
}

// arrived reports whether the announced trailers came.
func (c *chunked) arrived(announced []string) bool {
	return !c.trailers || !slices.ContainsFunc(announced, func(name string) bool {
		return name != "" && c.request.Trailer.Get(name) == ""
	})
}

const trailerSignature = "x-amz-trailer-signature"

// errEnd says that the body ended where a line could have begun.
var errEnd = fault(ShortBody, "the body ends before its last chunk")

// line reads up to \r\n; some clients end a trailer's lines with \n alone.
func (c *chunked) line() (string, error) {
	var line []byte
	for len(line) <= maxLine {
		b, err := c.in.ReadByte()
		if err == io.EOF && len(line) == 0 {
			return "", errEnd
		}
		if err != nil {
			return "", cutShort(err)
		}
		if b == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b)
	}
	return "", fault(BadChunk, "a line of the chunked body is too long")
}

// cutShort turns an early end of the body into an error of ours; other errors
// are the connection's.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault(ShortBody, "the body ends before its declared length")
	}
	return err
}
