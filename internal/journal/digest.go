package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// Digest identifies its input without revealing it.
type Digest [16]byte

// DigestOf returns the digest of the parts. Different parts with the same
// concatenation have different digests.
func DigestOf(parts ...string) Digest {
	all := make([]byte, 0, 512) // on the stack
	for _, p := range parts {
		all = append(binary.AppendUvarint(all, uint64(len(p))), p...)
	}
	whole := sha256.Sum256(all)
	return Digest(whole[:16])
}

// String returns the digest in base64, in the alphabet for file names.
func (d Digest) String() string { return base64.RawURLEncoding.EncodeToString(d[:]) }

// MarshalText returns the digest as String does.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText returns.
func (d *Digest) UnmarshalText(text []byte) error {
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	if err == nil && len(raw) != len(d) {
		err = errors.New("it is no digest")
	}
	if err == nil {
		copy(d[:], raw)
	}
	return err
}
