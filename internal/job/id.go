package job

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// NewID makes the id of a job: 26 characters of [0-9a-v], 80 of their bits
// random, that sort by the millisecond in which they were made.
func NewID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	return strings.ToLower(encoding.EncodeToString(id[:]))
}

// IsID reports whether NewID may have made the id.
func IsID(id string) bool {
	raw, err := encoding.DecodeString(strings.ToUpper(id))
	return err == nil && len(raw) == 16 && id == strings.ToLower(id)
}

// The alphabet of base32hex is in the order of its values, so ids sort as
// their bytes do.
var encoding = base32.HexEncoding.WithPadding(base32.NoPadding)
