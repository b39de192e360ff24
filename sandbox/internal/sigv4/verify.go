package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	hashpkg "hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of x-amz-content-sha256 that are not a hash.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const (
	unsignedPayload      = "UNSIGNED-PAYLOAD"
	streaming            = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsigned    = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	maxBufferedBody      = 1 << 20
	contentSHA256        = "X-Amz-Content-Sha256"
	decodedContentLength = "X-Amz-Decoded-Content-Length"
	emptyHash            = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Verify verifies the signature with the secret of its access key at the time
// now. If it succeeds, it replaces the request's body by one that decodes
// aws-chunked framing and fails with an *Error where the body is not what was
// signed; trailers are in r.Trailer once the body was read to its end. Bodies
// for services other than S3 are read here, to at most 1 MiB.
func (s *Signature) Verify(r *http.Request, secret string, now time.Time) error {
	if err := s.inTime(now); err != nil {
		return err
	}
	if err := s.checkDate(); err != nil {
		return err
	}
	if err := s.allSigned(r); err != nil {
		return err
	}
	payload, err := s.payload(r)
	if err == nil && s.Service == "s3" {
		err = checkPayload(payload)
	}
	if err != nil {
		return err
	}
	sign := s.signer(secret)
	canonical := s.canonical(r, payload)
	want := sign.sign(algorithm, hash(canonical))
	if !hmac.Equal([]byte(want), []byte(s.given)) {
		e := fault(Mismatch, "the signature is not the one of this request")
		e.Canonical, e.ToSign = canonical, sign.toSign(algorithm, hash(canonical))
		return e
	}
	return s.wrapBody(r, payload, sign)
}

func (s *Signature) inTime(now time.Time) error {
	switch future := s.Time.After(now.Add(maxSkew)); {
	case future && s.Presigned:
		return fault(Early, "the presigned request is not valid yet")
	case future:
		return fault(Skewed, "signed in the future")
	}
	if s.Presigned {
		if now.After(s.Time.Add(s.Expires)) {
			return fault(Expired, "the presigned request has expired")
		}
		return nil
	}
	if s.Time.Before(now.Add(-maxSkew)) {
		return fault(Skewed, "signed too long ago")
	}
	return nil
}

// allSigned refuses unsigned x-amz-* headers, which anyone on the way could
// have added.
func (s *Signature) allSigned(r *http.Request) error {
	var loose []string
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.headers, name) {
			loose = append(loose, name)
		}
	}
	// The client of a presigned upload may hash its body although the signer
	// did not know it; the hash is checked, not trusted.
	loose = slices.DeleteFunc(loose, func(n string) bool {
		return s.Presigned && n == strings.ToLower(contentSHA256)
	})
	if len(loose) == 0 {
		return nil
	}
	slices.Sort(loose)
	e := fault(Unsigned, "there were headers present in the request which were not signed")
	e.Headers = loose
	return e
}

// payload is the last line of the canonical request.
func (s *Signature) payload(r *http.Request) (string, error) {
	if s.Service != "s3" {
		return buffered(r)
	}
	if s.Presigned {
		if v := parseQuery(r.URL.RawQuery).get("X-Amz-Content-Sha256"); v != "" {
			return v, nil
		}
		if slices.Contains(s.headers, strings.ToLower(contentSHA256)) {
			return r.Header.Get(contentSHA256), nil
		}
		return unsignedPayload, nil
	}
	v := r.Header.Get(contentSHA256)
	if v == "" {
		return "", fault(NoHash, "missing required header for this request: x-amz-content-sha256")
	}
	return v, nil
}

func buffered(r *http.Request) (string, error) {
	if r.Body == nil {
		return emptyHash, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBufferedBody+1))
	if err != nil {
		return "", fault(ShortBody, "the body ends before its declared length")
	}
	if len(data) > maxBufferedBody {
		return "", fault(LongBody, "the body is too long")
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return hash(string(data)), nil
}

// wrapBody replaces the body by a reader that decodes and verifies it.
func (s *Signature) wrapBody(r *http.Request, payload string, sign signer) error {
	if s.Service != "s3" {
		return nil
	}
	if v := r.Header.Get(contentSHA256); s.Presigned && payload == unsignedPayload && v != "" {
		return decode(r, v, nil, "")
	}
	return decode(r, payload, &sign, s.given)
}

// Decode replaces the body of an unsigned request to S3, as Verify does for
// signed ones: clients frame and hash without signing, too.
func Decode(r *http.Request) error {
	payload := r.Header.Get(contentSHA256)
	if payload == "" {
		return nil
	}
	return decode(r, payload, nil, "")
}

func decode(r *http.Request, payload string, sign *signer, seed string) error {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	switch payload {
	case unsignedPayload:
		return nil
	case streaming, streamingTrailer, streamingUnsigned:
		length, err := strconv.ParseInt(r.Header.Get(decodedContentLength), 10, 64)
		if err != nil || length < 0 {
			return fault(BadChunk, "x-amz-decoded-content-length must be the length of the decoded body")
		}
		c := newChunked(r, length)
		if payload != streamingUnsigned {
			if sign == nil {
				return fault(NoHash, "chunks are signed, the request is not")
			}
			c.sign, c.previous = sign, seed
		}
		c.trailers = payload != streaming
		r.Body, r.ContentLength = c, length
		stripChunked(r.Header)
		return nil
	}
	if err := checkPayload(payload); err != nil {
		return err
	}
	r.Body = &hashed{ReadCloser: r.Body, want: payload, sum: sha256.New()}
	return nil
}

// checkPayload refuses what x-amz-content-sha256 cannot say.
func checkPayload(value string) error {
	switch value {
	case unsignedPayload, streaming, streamingTrailer, streamingUnsigned:
		return nil
	}
	if len(value) == 64 && strings.Trim(value, "0123456789abcdef") == "" {
		return nil
	}
	e := fault(BadHash, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "+
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "+
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")
	e.Value = value
	return e
}

// stripChunked takes aws-chunked out of Content-Encoding: it is the
// transport's, not the object's.
func stripChunked(h http.Header) {
	var keep []string
	for v := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "aws-chunked") {
			keep = append(keep, v)
		}
	}
	h.Del("Content-Encoding")
	if len(keep) > 0 {
		h.Set("Content-Encoding", strings.Join(keep, ","))
	}
}

// hashed fails at its end if the bytes do not have the hash that was
// announced.
type hashed struct {
	io.ReadCloser
	want string
	sum  hashpkg.Hash
}

func (b *hashed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(b.sum.Sum(nil)) != b.want {
		return n, fault(WrongHash, "the provided 'x-amz-content-sha256' header does not match what was computed")
	}
	return n, err
}
