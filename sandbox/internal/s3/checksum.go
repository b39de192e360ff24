package s3

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // S3's ETag is MD5
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/minio/crc64nvme"
)

// The types of checksums of objects that were uploaded in parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE" // of the parts' checksums
)

// defaultChecksum is what S3 computes when the client names none.
const defaultChecksum = "CRC64NVME"

// algorithms lists the checksums that S3 knows in addition to MD5.
var algorithms = []string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "CRC64NVME":
		return crc64nvme.New()
	case "SHA1":
		return sha1.New() //nolint:gosec // as above
	default:
		return sha256.New()
	}
}

// checksum is what S3 keeps of an object, or of a part.
type checksum struct {
	algorithm string
	value     string // base64; with "-N" behind it when composite of N parts
	kind      string
}

func checksumHeader(algorithm string) string {
	return http.CanonicalHeaderKey("x-amz-checksum-" + algorithm)
}

// write sets the checksum's headers.
func (s checksum) write(h http.Header) {
	if s.value == "" {
		return
	}
	h.Set(checksumHeader(s.algorithm), s.value)
	h.Set("X-Amz-Checksum-Type", s.kind)
}

// checksumXML is a checksum in a document: one element is set.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (x *checksumXML) field(algorithm string) *string {
	switch algorithm {
	case "CRC32":
		return &x.ChecksumCRC32
	case "CRC32C":
		return &x.ChecksumCRC32C
	case "CRC64NVME":
		return &x.ChecksumCRC64NVME
	case "SHA1":
		return &x.ChecksumSHA1
	default:
		return &x.ChecksumSHA256
	}
}

// ofPart returns the element of a part's checksum, which has no type.
func (s checksum) ofPart() checksumXML {
	s.kind = ""
	return s.xml()
}

func (s checksum) xml() checksumXML {
	var x checksumXML
	if s.value != "" {
		*x.field(s.algorithm) = s.value
		x.ChecksumType = s.kind
	}
	return x
}

// summer computes the checksums that S3 keeps of bytes.
type summer struct {
	algorithm string
	md5, sum  hash.Hash
}

func newSummer(algorithm string) summer {
	return summer{algorithm, md5.New(), newHash(algorithm)} //nolint:gosec // as above
}

// tee returns a writer to w that also feeds the sums.
func (s summer) tee(w io.Writer) io.Writer { return io.MultiWriter(w, s.md5, s.sum) }

func (s summer) etag() string { return hex.EncodeToString(s.md5.Sum(nil)) }

func (s summer) checksum() checksum {
	return checksum{s.algorithm, encodeSum(s.sum), fullObject}
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// check compares the claim with the bytes that came.
func (s summer) check(c claim, trailer http.Header) error {
	if c.md5 != nil && string(c.md5) != string(s.md5.Sum(nil)) {
		return errContentMD5()
	}
	if c.algorithm == "" {
		return nil
	}
	value := c.value
	if value == "" {
		value = trailer.Get(checksumHeader(c.algorithm))
		if !validChecksum(c.algorithm, value) {
			return errInvalidRequest("Value for x-amz-checksum-" + strings.ToLower(c.algorithm) + " trailing header is invalid.")
		}
	}
	if value != s.checksum().value {
		return errBadDigest(c.algorithm)
	}
	return nil
}

// compose returns the checksum of an object from its parts' checksums.
func compose(algorithm string, parts []*part) checksum {
	h := newHash(algorithm)
	for _, p := range parts {
		sum, _ := base64.StdEncoding.DecodeString(p.checksum.value) // ours
		h.Write(sum)
	}
	return checksum{algorithm, fmt.Sprintf("%s-%d", encodeSum(h), len(parts)), composite}
}

// composeETag returns the ETag of an object from its parts' ETags.
func composeETag(parts []*part) string {
	h := md5.New() //nolint:gosec // as above
	for _, p := range parts {
		sum, _ := hex.DecodeString(p.etag) // ours
		h.Write(sum)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}

// received is an uploaded body, stored.
type received struct {
	body     *body
	size     int64
	etag     string
	checksum checksum
}

// receive stores the request's body and checks what the request claims about
// it. It keeps the claimed checksum, or one of the given algorithm.
func (c *call) receive(claimed claim, algorithm string) (*received, error) {
	length := c.r.ContentLength
	switch {
	case length == 0 && c.saysNoLength():
		return nil, errMissingContentLength()
	case length > maxUpload:
		return nil, errEntityTooLarge(length, maxUpload)
	}
	if claimed.algorithm != "" {
		algorithm = claimed.algorithm
	}
	sums := newSummer(algorithm)
	stored, err := c.store.write(func(w io.Writer) error {
		_, err := io.Copy(sums.tee(w), incoming{c.r.Body})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err = sums.check(claimed, c.r.Trailer); stored.files[0].size != length {
		err = errIncompleteBody()
	}
	if err != nil {
		stored.release()
		return nil, err
	}
	return &received{stored, length, sums.etag(), sums.checksum()}, nil
}

// saysNoLength reports whether an HTTP/1 request without a body leaves out that
// it has none. In HTTP/2 the end of the request says it.
func (c *call) saysNoLength() bool {
	return c.r.ProtoMajor == 1 && c.header("Content-Length") == "" && c.header("X-Amz-Decoded-Content-Length") == ""
}

// readDocument reads a small body into memory.
func (c *call) readDocument(limit int64) ([]byte, error) {
	claimed, err := readClaim(c.r.Header)
	if err != nil {
		return nil, err
	}
	sums := newSummer(defaultChecksum)
	if claimed.algorithm != "" {
		sums = newSummer(claimed.algorithm)
	}
	var data bytes.Buffer
	if _, err := io.Copy(sums.tee(&data), io.LimitReader(incoming{c.r.Body}, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, errMalformedXML()
	}
	return data.Bytes(), sums.check(claimed, c.r.Trailer)
}

// incoming is a request's body, whose faults are the client's.
type incoming struct{ io.Reader }

func (in incoming) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	var known *Error
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &known) {
		err = errIncompleteBody()
	}
	return n, err
}
