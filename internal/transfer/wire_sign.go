package transfer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// signer signs the wire's requests by Signature Version 4, as the AWS SDK's
// does at several times the cost, which small objects would feel. It expects
// paths and queries that are escaped and sorted already.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
type signer struct {
	mu  sync.Mutex
	of  scope // of the key
	key []byte
}

// scope is what a signing key is good for, and of whom.
type scope struct{ id, secret, day, region, service string }

const signingTime = "20060102T150405Z"

// sign adds the date, the session and the signature to the request.
func (s *signer) sign(req *http.Request, c aws.Credentials, at *site, now time.Time) {
	date := now.UTC().Format(signingTime)
	req.Header["X-Amz-Date"] = []string{date}
	if c.SessionToken != "" {
		req.Header["X-Amz-Security-Token"] = []string{c.SessionToken}
	}
	of := scope{c.AccessKeyID, c.SecretAccessKey, date[:8], at.region, at.service}
	named, text := canonical(req)
	hashed := sha256.Sum256(text)
	path := of.day + "/" + of.region + "/" + of.service + "/aws4_request"
	signature := mac(s.keyFor(of), "AWS4-HMAC-SHA256\n"+date+"\n"+path+"\n"+hex.EncodeToString(hashed[:]))
	req.Header["Authorization"] = []string{
		"AWS4-HMAC-SHA256 Credential=" + of.id + "/" + path + ", SignedHeaders=" + named + ", Signature=" + hex.EncodeToString(signature),
	}
}

// canonical is the request as it is signed, with the names of the headers
// that are.
func canonical(req *http.Request) (named string, text []byte) {
	values := make(map[string]string, len(req.Header)+1)
	values["host"] = req.Host
	for name, list := range req.Header {
		switch name {
		case "User-Agent", "Expect", "Accept-Encoding": // what is in between may change them
		default:
			values[strings.ToLower(name)] = list[0]
		}
	}
	names := slices.Sorted(maps.Keys(values))
	named = strings.Join(names, ";")
	text = make([]byte, 0, 1024)
	text = append(text, req.Method+"\n"+req.URL.EscapedPath()+"\n"+req.URL.RawQuery+"\n"...)
	for _, name := range names {
		text = append(text, name+":"...)
		text = append(text, trimmed(values[name])...)
		text = append(text, '\n')
	}
	text = append(text, "\n"+named+"\n"+values["x-amz-content-sha256"]...)
	return named, text
}

// trimmed has single spaces only, and none at the ends.
func trimmed(s string) string {
	s = strings.TrimSpace(s)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

// keyFor derives the key, which is the same all day.
func (s *signer) keyFor(of scope) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of != of {
		s.key = mac(mac(mac(mac([]byte("AWS4"+of.secret), of.day), of.region), of.service), "aws4_request")
		s.of = of
	}
	return s.key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escape escapes a value of a query as signatures have it.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
