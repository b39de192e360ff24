package journal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
)

// KeyBytes is the length of a journal's key.
const KeyBytes = 32

// seals seals and verifies lines. Each line of the file ends in a space and its
// seal: an HMAC-SHA256, cut to 128 bits, of the line and the seal before it. So
// nobody without the key can write, omit or move a line; it is only possible to
// cut off the end, as a crash does. The seal before the first line is a digest
// of the journal's name and the file's inode: a copy of the file is not a
// journal. The device is not in the digest, because its number may change when
// it is mounted again.
type seals struct {
	mac  hash.Hash
	last [sealBytes]byte
}

const (
	sealBytes = 16
	sealWidth = 1 + 22 // in a line
)

func newSeals(key []byte, name string, inode uint64) *seals {
	return &seals{hmac.New(sha256.New, key), DigestOf("rolecall journal", name, strconv.FormatUint(inode, 10))}
}

// next returns the seal of the next text.
func (s *seals) next(text []byte) [sealBytes]byte {
	s.mac.Reset()
	s.mac.Write(s.last[:])
	s.mac.Write(text)
	var whole [sha256.Size]byte
	return [sealBytes]byte(s.mac.Sum(whole[:0]))
}

// seal appends the seal and the line's end.
func (s *seals) seal(text []byte) []byte {
	s.last = s.next(text)
	return append(base64.RawURLEncoding.AppendEncode(append(text, ' '), s.last[:]), '\n')
}

// verify returns the text of a complete line, and whether its seal is right.
func (s *seals) verify(line []byte) ([]byte, bool) {
	n := len(line) - sealWidth - 1
	if n < 0 {
		return nil, false
	}
	text, seal := line[:n], s.next(line[:n])
	if !hmac.Equal(line[n:], append(base64.RawURLEncoding.AppendEncode([]byte{' '}, seal[:]), '\n')) {
		return nil, false
	}
	s.last = seal
	return text, true
}
