package job

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// NewID makes the id of a job: 26 characters of [0-9a-v], 80 of their bits
// random, that sort by when they were made: by the millisecond, and those of one
// process by their order.
func NewID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	lastID.Lock()
	defer lastID.Unlock()
	if bytes.Compare(id[:6], lastID.id[:6]) <= 0 {
		// After the last one, by a distance that nobody guesses.
		step := uint64(binary.BigEndian.Uint32(id[12:])) + 1
		id = lastID.id
		low := binary.BigEndian.Uint64(id[8:])
		binary.BigEndian.PutUint64(id[8:], low+step)
		if low+step < low {
			binary.BigEndian.PutUint64(id[:8], binary.BigEndian.Uint64(id[:8])+1)
		}
	}
	lastID.id = id
	return strings.ToLower(encoding.EncodeToString(id[:]))
}

// lastID is the id that this process made last.
var lastID struct {
	sync.Mutex
	id [16]byte
}

// IsID reports whether NewID may have made the id.
func IsID(id string) bool {
	raw, err := encoding.DecodeString(strings.ToUpper(id))
	return err == nil && len(raw) == 16 && id == strings.ToLower(id)
}

// The alphabet of base32hex is in the order of its values, so ids sort as
// their bytes do.
var encoding = base32.HexEncoding.WithPadding(base32.NoPadding)
