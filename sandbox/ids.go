package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// uniqueID makes an id like IAM's: a prefix for the kind, and 17 random
// letters and digits.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func uniqueID(prefix string) string { return prefix + rand.Text()[:17] }

// stableID makes an id that is the same at each start: users and roles of the
// config are not new ones each time.
func stableID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// randomText returns n random bytes in base64, without padding.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")
}
