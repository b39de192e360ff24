package sigv4

import (
	"errors"
	"strconv"
	"time"
)

// parsePresigned reads the signature of a presigned request.
func parsePresigned(q query) (*Signature, error) {
	s := Signature{Presigned: true, given: q.get("X-Amz-Signature"), Token: q.get("X-Amz-Security-Token")}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"} {
		if q.get(name) == "" {
			return nil, errParameters()
		}
	}
	if q.get("X-Amz-Algorithm") != algorithm {
		return nil, fault(Malformed, `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
	}
	if err := s.scope(q.get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	if err := s.list(q.get("X-Amz-SignedHeaders")); err != nil {
		return nil, err
	}
	var err error
	if s.Time, err = time.Parse(timeFormat, q.get("X-Amz-Date")); err != nil {
		return nil, fault(Malformed, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	if s.Service != "s3" {
		// STS ignores X-Amz-Expires.
		// https://github.com/aws/aws-sdk-go/issues/2167
		s.Expires = maxSkew
		return s.checked()
	}
	if s.Expires, err = parseExpires(q.get("X-Amz-Expires")); err != nil {
		return nil, err
	}
	return s.checked()
}

func errParameters() *Error {
	return fault(Malformed, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
}

// parseExpires reads how long a presigned request lives.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func parseExpires(given string) (time.Duration, error) {
	if given == "" {
		return 0, errParameters()
	}
	seconds, err := strconv.ParseInt(given, 10, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fault(Malformed, "X-Amz-Expires should be a number")
	case seconds < 0:
		return 0, fault(Malformed, "X-Amz-Expires must be non-negative")
	case seconds > int64(maxPresign/time.Second):
		return 0, fault(Malformed, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return time.Duration(seconds) * time.Second, nil
}
