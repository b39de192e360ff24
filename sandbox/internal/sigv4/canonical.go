package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// canonical builds the canonical request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (s *Signature) canonical(r *http.Request, payload string) string {
	path := escape(r.URL.Path, "/")
	if s.Service != "s3" {
		// Every service but S3 signs the escaped path escaped once more.
		path = escape(path, "/")
	}
	if path == "" {
		path = "/"
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.headers {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + payload)
	return b.String()
}

func canonicalQuery(raw string) string {
	q := parseQuery(raw)
	q = slices.DeleteFunc(q, func(p [2]string) bool { return p[0] == "X-Amz-Signature" })
	for i, p := range q {
		q[i] = [2]string{escape(p[0], ""), escape(p[1], "")}
	}
	slices.SortFunc(q, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = p[0] + "=" + p[1]
	}
	return strings.Join(parts, "&")
}

// headerValue returns a header as it is signed: values joined by commas,
// spaces trimmed and runs of them collapsed. Headers that net/http moves
// elsewhere are read from there.
func headerValue(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		values = []string{r.Host}
	case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	case name == "transfer-encoding" && len(values) == 0:
		values = r.TransferEncoding
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' }), " ")
	}
	return strings.Join(out, ",")
}

// escape percent-encodes all but the unreserved characters of RFC 3986 and
// the ones in keep.
func escape(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// signer signs strings within one scope.
type signer struct {
	key   []byte
	stamp string // time and scope, as lines
}

func (s *Signature) signer(secret string) signer {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.Region, s.Service, "aws4_request"} {
		key = mac(key, part)
	}
	return signer{key: key, stamp: s.Time.UTC().Format(timeFormat) + "\n" + s.scopeString() + "\n"}
}

// sign returns the hex signature of what follows kind, time and scope.
func (s signer) sign(kind, rest string) string {
	return hex.EncodeToString(mac(s.key, s.toSign(kind, rest)))
}

func (s signer) toSign(kind, rest string) string { return kind + "\n" + s.stamp + rest }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
