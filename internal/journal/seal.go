package journal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
)

// KeyBytes is how long the key of a journal is.
const KeyBytes = 32

// Each line of a journal's file ends in a blank and its seal: an HMAC-SHA256,
// cut to 128 bits, of the line and the seal before it. So nobody without the
// key can write, leave out or move one; what can be done is to cut the end
// off, as a crash does. Before the first line stands a digest of the journal's
// name and the file's inode: what is copied elsewhere is no journal there. The
// device is not in it, as its number may change when it is mounted again.
type seals struct {
	mac  hash.Hash
	last [sealBytes]byte
}

const (
	sealBytes = 16
	sealWidth = 1 + 22 // as it is in a line
)

func newSeals(key []byte, name string, inode uint64) *seals {
	return &seals{hmac.New(sha256.New, key), DigestOf("rolecall journal", name, strconv.FormatUint(inode, 10))}
}

// next gives the seal of the text that comes next.
func (s *seals) next(text []byte) [sealBytes]byte {
	s.mac.Reset()
	s.mac.Write(s.last[:])
	s.mac.Write(text)
	var whole [sha256.Size]byte
	return [sealBytes]byte(s.mac.Sum(whole[:0]))
}

// put appends to a line its seal and its end.
func (s *seals) put(text []byte) []byte {
	s.last = s.next(text)
	return append(base64.RawURLEncoding.AppendEncode(append(text, ' '), s.last[:]), '\n')
}

// open gives the text of a whole line whose seal is right.
func (s *seals) open(line []byte) ([]byte, bool) {
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
