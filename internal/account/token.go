package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"net/url"
	"regexp"
	"strings"
)

// A token is a prefix that says what it is, 30 random characters and 6 of their
// checksum, all of base62, so that scanners of leaked secrets can tell one
// without asking.
const (
	randomLength   = 30
	checksumLength = 6
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// The prefixes of tokens.
const (
	OperatorPrefix   = "rco_"
	ServicePrefix    = "rcs_"
	SetupPrefix      = "rcl_" // of setup links
	SignInPrefix     = "rci_" // of sign-in links
	InvitationPrefix = "rcv_" // of invitations
	SessionPrefix    = "rcw_" // of the cookies of sessions
)

var tokenForm = regexp.MustCompile(`\brc[a-z]_[0-9A-Za-z]{36}\b`)

// WithoutTokens returns a text without the secret part of tokens in it.
func WithoutTokens(text string) string {
	return tokenForm.ReplaceAllStringFunc(text, func(token string) string { return token[:len(OperatorPrefix)] + "…" })
}

// NewToken returns a new token with the prefix, and its hash. It has 178
// random bits.
func NewToken(prefix string) (text, hash string) {
	random := make([]byte, 0, randomLength)
	for buffer := make([]byte, randomLength); len(random) < randomLength; {
		_, _ = rand.Read(buffer) // never fails; see crypto/rand
		for _, b := range buffer {
			if b < 4*62 && len(random) < randomLength { // so that each character is as likely as the others
				random = append(random, base62[b%62])
			}
		}
	}
	text = prefix + string(random) + checksum(string(random))
	return text, Hash(text)
}

// IsToken reports whether NewToken may have made the text with this prefix.
func IsToken(text, prefix string) bool {
	random, ok := strings.CutPrefix(text, prefix)
	if !ok || len(random) != randomLength+checksumLength || strings.Trim(random, base62) != "" {
		return false
	}
	return checksum(random[:randomLength]) == random[randomLength:]
}

// Hash is what is stored of a token: nobody can present it. A token has so many
// random bits that no slow hash is needed.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// checksum is the IEEE CRC-32 in base62, left-padded with 0.
func checksum(random string) string {
	sum := crc32.ChecksumIEEE([]byte(random))
	text := make([]byte, checksumLength)
	for i := checksumLength - 1; i >= 0; i-- {
		text[i] = base62[sum%62]
		sum /= 62
	}
	return string(text)
}

// Cookie returns the name of the cookie of sessions, for a service that people
// find at a URL, and whether it is for https alone. Over plain http, which is on
// loopback, all ports of an address share cookies, and browsers drop those that
// are secure: the port is in the name.
func Cookie(url *url.URL) (name string, secure bool) {
	if url.Scheme == "https" {
		return "__Host-rolecall", true
	}
	return "rolecall-" + url.Port(), false
}
