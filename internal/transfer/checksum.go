package transfer

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // S3 offers it; it guards against accidents here, not against forgery.
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
)

// checksum is a checksum that S3 keeps for a whole object. The zero value is no
// checksum.
type checksum struct {
	name  string // CRC64NVME, CRC32, …
	value []byte
}

// answerChecksums has the checksum members of an answer of S3.
type answerChecksums struct {
	crc64, crc32, crc32c, sha256, sha1 *string
	kind                               types.ChecksumType
}

// checksumsIn reads the checksums from the header of an answer.
func checksumsIn(h http.Header) answerChecksums {
	get := func(name string) *string { return optional(h.Get(name)) }
	return answerChecksums{
		get("X-Amz-Checksum-Crc64nvme"), get("X-Amz-Checksum-Crc32"), get("X-Amz-Checksum-Crc32c"),
		get("X-Amz-Checksum-Sha256"), get("X-Amz-Checksum-Sha1"), types.ChecksumType(h.Get("X-Amz-Checksum-Type")),
	}
}

// fullObject returns the checksum of the whole object, the cheapest to compute
// if there are several. A composite checksum, which is one of the parts'
// checksums, cannot be compared with bytes that are divided otherwise, and is
// ignored.
func (o answerChecksums) fullObject() checksum {
	if o.kind == types.ChecksumTypeComposite {
		return checksum{}
	}
	for _, c := range o.values() {
		if c.value == nil {
			continue
		}
		// A composite value ends in "-parts", which is not base64.
		if value, err := base64.StdEncoding.DecodeString(*c.value); err == nil && len(value) == c.size {
			return checksum{c.name, value}
		}
	}
	return checksum{}
}

// answerChecksum is the checksum of one function in an answer.
type answerChecksum struct {
	name  string
	value *string // nil: there is none
	size  int     // of the checksum in bytes
}

// values returns those of all functions, the cheapest to compute first.
func (o answerChecksums) values() []answerChecksum {
	return []answerChecksum{
		{"CRC64NVME", o.crc64, crc64nvme.Size},
		{"CRC32C", o.crc32c, crc32.Size},
		{"CRC32", o.crc32, crc32.Size},
		{"SHA256", o.sha256, sha256.Size},
		{"SHA1", o.sha1, sha1.Size},
	}
}

// check returns an error if what is sent as a checksum cannot be one: nothing
// could be compared with it.
func (o answerChecksums) check() error {
	for _, c := range o.values() {
		if c.value == nil {
			continue
		}
		text, _, _ := strings.Cut(*c.value, "-") // a composite one ends in how many parts there are
		if value, err := base64.StdEncoding.DecodeString(text); err != nil || len(value) != c.size {
			return malformed("the answer has %.100q as %s", *c.value, c.name)
		}
	}
	return nil
}

// String returns the value in base64, as S3 writes it.
func (c checksum) String() string { return base64.StdEncoding.EncodeToString(c.value) }

// hash returns the function that computes the checksum, or nil if digest always
// computes it or there is no checksum.
func (c checksum) hash() hash.Hash {
	switch c.name {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "SHA256":
		return sha256.New()
	case "SHA1":
		return sha1.New() //nolint:gosec // as above
	default:
		return nil
	}
}

// joinable reports whether the checksums of parts can be joined to that of the
// whole.
func (c checksum) joinable() bool {
	return c.name == "CRC64NVME" || c.name == "CRC32" || c.name == "CRC32C"
}

// digest sums bytes: always with CRC-64/NVME, and with the function of the
// checksum that they are compared with.
type digest struct {
	want  checksum
	crc64 uint64
	other hash.Hash
	n     int64
}

func newDigest(want checksum) *digest { return &digest{want: want, other: want.hash()} }

// Write adds bytes. It never fails.
func (d *digest) Write(p []byte) (int, error) {
	d.crc64 = crc64nvme.Update(d.crc64, p)
	if d.other != nil {
		d.other.Write(p)
	}
	d.n += int64(len(p))
	return len(p), nil
}

func (d *digest) sum() sum {
	s := sum{crc64: d.crc64, n: d.n}
	if d.other != nil {
		s.other = d.other.Sum(nil)
	}
	return s
}

// sum is the result of a digest.
type sum struct {
	crc64 uint64
	other []byte
	n     int64
}

// as returns the sum as a checksum of the named function.
func (s sum) as(name string) checksum {
	if name == "CRC64NVME" {
		return checksum{name, binary.BigEndian.AppendUint64(nil, s.crc64)}
	}
	return checksum{name, s.other}
}

// matches reports whether the sum equals the checksum.
func (s sum) matches(want checksum) bool { return bytes.Equal(s.as(want.name).value, want.value) }

// corrupt returns the error for bytes that differ from the source's.
func corrupt(want checksum, got sum) error {
	return mismatched("the bytes that came have", want, got.as(want.name))
}

// checkStoredPart compares the checksum that S3 reports for a part with the
// right one. S3 compares what it receives; this compares what it stores. If the
// server keeps no CRC64NVME, there is nothing to compare: an ETag may be an
// MD5, which is not computed here.
func checkStoredPart(has, want checksum) error {
	if has.name != want.name || bytes.Equal(has.value, want.value) {
		return nil
	}
	return mismatched("S3 has the part with", want, has)
}

// checkStoredObject does the same for an object, which everyone can see
// already.
func checkStoredObject(has, want checksum) error {
	if checkStoredPart(has, want) == nil {
		return nil
	}
	err := mismatched("S3 has the object, for all to see, with", want, has)
	err.Mismatch.Stored = true
	return err
}

func mismatched(text string, want, got checksum) *Error {
	m := Mismatch{Algorithm: want.name, Want: want.String(), Got: got.String()}
	return &Error{Kind: Corrupt, Mismatch: &m, Err: fmt.Errorf("%s the %s %s, not %s", text, m.Algorithm, m.Got, m.Want)}
}

// join returns the sum of the whole from those of its parts, in order. Beside
// CRC-64/NVME it joins only functions that are joinable.
func join(want checksum, parts []sum) sum {
	var all sum
	crc64, other := shift{poly: reflectedCRC64NVME, width: 64}, shift{width: 32}
	switch want.name {
	case "CRC32":
		other.poly = crc32.IEEE
	case "CRC32C":
		other.poly = crc32.Castagnoli
	}
	for i, p := range parts {
		all.crc64 = crc64.apply(p.n, all.crc64) ^ p.crc64
		all.n += p.n
		switch {
		case i == 0:
			all.other = p.other
		case other.poly == 0:
			all.other = nil
		default:
			before, this := binary.BigEndian.Uint32(all.other), binary.BigEndian.Uint32(p.other)
			all.other = binary.BigEndian.AppendUint32(nil, uint32(other.apply(p.n, uint64(before)))^this)
		}
	}
	return all
}

// encoded returns the CRC-64/NVME as S3 writes it.
func (s sum) encoded() string { return s.as("CRC64NVME").String() }

const reflectedCRC64NVME = 0x9a6c9329ac4bc9b5

// shift computes what a CRC becomes when zero bytes follow, so that the CRC of
// the bytes in their place can be added. That is a linear map of the CRC's
// bits, raised to the n-th power by squaring. The last power is kept, since
// parts are of one size.
type shift struct {
	poly  uint64
	width int
	n     int64
	power matrix
}

// apply returns the CRC after n zero bytes.
func (s *shift) apply(n int64, crc uint64) uint64 {
	if n == 0 {
		return crc
	}
	if s.n != n {
		s.n, s.power = n, s.zeros(n)
	}
	return s.power.times(crc)
}

func (s *shift) zeros(n int64) matrix {
	var one, all matrix // one appends a bit, then a byte, then 2, 4, 8 bytes; all appends n bytes
	one[0] = s.poly
	for i := range s.width {
		all[i] = 1 << i
		if i > 0 {
			one[i] = 1 << (i - 1)
		}
	}
	for range 3 { // to one byte
		one = one.after(one, s.width)
	}
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			all = one.after(all, s.width)
		}
		one = one.after(one, s.width)
	}
	return all
}

// matrix is a linear map over bits; row i is what bit i becomes.
type matrix [64]uint64

func (m *matrix) times(v uint64) uint64 {
	var out uint64
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 == 1 {
			out ^= m[i]
		}
	}
	return out
}

// after returns the map that applies first and then m.
func (m *matrix) after(first matrix, width int) matrix {
	var out matrix
	for i := range width {
		out[i] = m.times(first[i])
	}
	return out
}
