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

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
)

// checksum is one that S3 keeps for a whole object. The zero value is none.
type checksum struct {
	name  string // CRC64NVME, CRC32, …
	value []byte
}

// offered are the members of S3's answers that carry checksums.
type offered struct {
	crc64, crc32, crc32c, sha256, sha1 *string
	kind                               types.ChecksumType
}

// offeredBy finds them in the header of an answer.
func offeredBy(h http.Header) offered {
	get := func(name string) *string { return optional(h.Get(name)) }
	return offered{
		get("X-Amz-Checksum-Crc64nvme"), get("X-Amz-Checksum-Crc32"), get("X-Amz-Checksum-Crc32c"),
		get("X-Amz-Checksum-Sha256"), get("X-Amz-Checksum-Sha1"), types.ChecksumType(h.Get("X-Amz-Checksum-Type")),
	}
}

// whole picks the checksum of the whole object, cheapest first. A composite
// one, a checksum of parts' checksums, says nothing about bytes cut otherwise.
func (o offered) whole() checksum {
	if o.kind == types.ChecksumTypeComposite {
		return checksum{}
	}
	for _, c := range []struct {
		name  string
		value *string
		size  int
	}{
		{"CRC64NVME", o.crc64, crc64nvme.Size},
		{"CRC32C", o.crc32c, crc32.Size},
		{"CRC32", o.crc32, crc32.Size},
		{"SHA256", o.sha256, sha256.Size},
		{"SHA1", o.sha1, sha1.Size},
	} {
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

// String is the value as S3 writes it.
func (c checksum) String() string { return base64.StdEncoding.EncodeToString(c.value) }

// hash makes the checksum's function, nil for none.
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

// splits tells whether sums of parts can be joined to one of the whole.
func (c checksum) splits() bool {
	return c.name == "CRC64NVME" || c.name == "CRC32" || c.name == "CRC32C"
}

// digest sums a run of bytes: always with CRC-64/NVME, and with the function
// of a checksum that they are to be held against.
type digest struct {
	want  checksum
	crc64 uint64
	other hash.Hash
	n     int64
}

func newDigest(want checksum) *digest { return &digest{want: want, other: want.hash()} }

// Write adds bytes; it never fails.
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

// sum is what a digest found.
type sum struct {
	crc64 uint64
	other []byte
	n     int64
}

// as gives the sum as a checksum of the function.
func (s sum) as(name string) checksum {
	if name == "CRC64NVME" {
		return checksum{name, binary.BigEndian.AppendUint64(nil, s.crc64)}
	}
	return checksum{name, s.other}
}

// matches tells whether the sum is the checksum's.
func (s sum) matches(want checksum) bool { return bytes.Equal(s.as(want.name).value, want.value) }

// corrupt is the error of bytes that are not the source's.
func corrupt(want checksum, got sum) error {
	return mismatched("the bytes that came have", want, got.as(want.name), false)
}

// stored holds what S3 says that it has of a part against what it should be.
// S3 compares what it takes; this finds what it keeps. A server that keeps no
// CRC64NVME says nothing that could be compared: an ETag may be an MD5, which
// is not summed here.
func stored(has, want checksum) error {
	if has.name != want.name || bytes.Equal(has.value, want.value) {
		return nil
	}
	return mismatched("S3 has the part with", want, has, false)
}

// lasting is stored of an object, which is there for all to see.
func lasting(has, want checksum) error {
	if stored(has, want) == nil {
		return nil
	}
	return mismatched("S3 has the object, for all to see, with", want, has, true)
}

func mismatched(text string, want, got checksum, stored bool) error {
	m := Mismatch{Algorithm: want.name, Want: want.String(), Got: got.String(), Stored: stored}
	return &Error{Kind: Corrupt, Mismatch: &m, Err: fmt.Errorf("%s the %s %s, not %s", text, m.Algorithm, m.Got, m.Want)}
}

// join gives the sum of the whole from its parts' in order. Of the functions
// besides CRC-64/NVME it joins those that split.
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
		all.crc64 = crc64.by(p.n, all.crc64) ^ p.crc64
		all.n += p.n
		switch {
		case i == 0:
			all.other = p.other
		case other.poly == 0:
			all.other = nil
		default:
			before, this := binary.BigEndian.Uint32(all.other), binary.BigEndian.Uint32(p.other)
			all.other = binary.BigEndian.AppendUint32(nil, uint32(other.by(p.n, uint64(before)))^this)
		}
	}
	return all
}

// encoded is the sum as S3 writes it.
func (s sum) encoded() string { return s.as("CRC64NVME").String() }

const reflectedCRC64NVME = 0x9a6c9329ac4bc9b5

// shift tells what a CRC becomes when zero bytes follow, so that the CRC of
// what comes in their place can be added. That is a linear map of the CRC's
// bits, raised to the n-th power by squaring, and kept: parts are of one size.
type shift struct {
	poly  uint64
	width int
	n     int64
	power matrix
}

// by gives the CRC after n zero bytes.
func (s *shift) by(n int64, crc uint64) uint64 {
	if n == 0 {
		return crc
	}
	if s.n != n {
		s.n, s.power = n, s.zeros(n)
	}
	return s.power.times(crc)
}

func (s *shift) zeros(n int64) matrix {
	var one, all matrix // appends one bit, one byte and more; those together
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

// after is the map that applies m after the first.
func (m *matrix) after(first matrix, width int) matrix {
	var out matrix
	for i := range width {
		out[i] = m.times(first[i])
	}
	return out
}
