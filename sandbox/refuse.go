package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rolecall/rolecall/sandbox/internal/s3"
	"github.com/rolecall/rolecall/sandbox/internal/sigv4"
)

// identify finds the caller of a signature, and the secret to verify it with.
// Nothing is proved before that.
func (s *Server) identify(c *call, signature *sigv4.Signature) (string, error) {
	who, secret, refused := s.directory.resolve(signature.AccessKeyID, signature.Token, c.at)
	if refused != accepted {
		return "", refused
	}
	c.caller = who
	c.event.Caller, c.event.AccessKeyID, c.event.SessionName = who.arn, who.accessKeyID, who.session
	return secret, nil
}

// refuse answers a request with a bad signature, in its service's words.
func (c *call) refuse(w http.ResponseWriter, r *http.Request, why error, signature *sigv4.Signature) {
	c.event.Caller, c.event.SessionName = "", ""
	switch c.service {
	case "s3":
		e := c.refusedByS3(why)
		inQuery := signature != nil && signature.Presigned || r.Header.Get("Authorization") == ""
		var malformed *sigv4.Error
		if inQuery && errors.As(why, &malformed) {
			e = inQueryWords(e, malformed)
		}
		var refused refusal
		if errors.As(why, &refused) && refused == unknownKey {
			e.Extra = append(e.Extra, s3.Field{Name: "AWSAccessKeyId", Value: cut(signature.AccessKeyID)})
		}
		c.event.ErrorCode = e.Code
		s3.WriteError(w, r, e)
	case "kms":
		c.failKMS(w, c.refusedByKMS(why, signature))
	default:
		c.failQuery(w, c.refusedByQuery(why, signature))
	}
}

// inQueryWords returns a refusal as S3 words it for presigned requests.
func inQueryWords(e *s3.Error, why *sigv4.Error) *s3.Error {
	message := why.Message
	switch why.Kind {
	case sigv4.Malformed, sigv4.WrongDate:
	case sigv4.BadScope:
		message = "Error parsing the X-Amz-Credential parameter; " + message
	default:
		return e
	}
	return &s3.Error{Status: http.StatusBadRequest, Code: "AuthorizationQueryParametersError", Message: message}
}

// refusedByS3 returns a refusal in S3's words.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (c *call) refusedByS3(why error) *s3.Error {
	answer := func(status int, code, message string, extra ...s3.Field) *s3.Error {
		return &s3.Error{Status: status, Code: code, Message: message, Extra: extra}
	}
	serverTime := s3.Field{Name: "ServerTime", Value: c.at.UTC().Format(time.RFC3339)}
	var refused refusal
	if errors.As(why, &refused) {
		switch refused {
		case expiredToken:
			return answer(400, "ExpiredToken", "The provided token has expired.")
		case wrongToken:
			return answer(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
		default:
			return answer(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
		}
	}
	var e *sigv4.Error
	if !errors.As(why, &e) {
		return answer(500, "InternalError", "We encountered an internal error. Please try again.")
	}
	switch e.Kind {
	case sigv4.Malformed, sigv4.BadScope, sigv4.WrongDate:
		return answer(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; "+e.Message)
	case sigv4.NoDate:
		return answer(403, "AccessDenied", e.Message)
	case sigv4.Unsupported:
		return answer(400, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case sigv4.Foreign:
		return answer(400, "InvalidArgument", "Unsupported Authorization Type", s3.Field{Name: "ArgumentName", Value: "Authorization"})
	case sigv4.Ambiguous:
		return answer(400, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case sigv4.Mismatch:
		return answer(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
			s3.Field{Name: "StringToSign", Value: e.ToSign}, s3.Field{Name: "CanonicalRequest", Value: e.Canonical})
	case sigv4.Unsigned:
		return answer(403, "AccessDenied", "There were headers present in the request which were not signed",
			s3.Field{Name: "HeadersNotSigned", Value: strings.Join(e.Headers, ", ")})
	case sigv4.Skewed:
		return answer(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			serverTime, s3.Field{Name: "MaxAllowedSkewMilliseconds", Value: "900000"})
	case sigv4.Early:
		return answer(403, "AccessDenied", "Request is not valid yet", serverTime)
	case sigv4.Expired:
		return answer(403, "AccessDenied", "Request has expired", serverTime)
	case sigv4.BadHash:
		return answer(400, "InvalidArgument", e.Message,
			s3.Field{Name: "ArgumentName", Value: "x-amz-content-sha256"}, s3.Field{Name: "ArgumentValue", Value: cut(e.Value)})
	case sigv4.WrongHash:
		return answer(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	case sigv4.ChunkSize:
		return answer(400, "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes")
	case sigv4.BadTrailer:
		return answer(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	case sigv4.ShortBody:
		return answer(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	default:
		return answer(400, "InvalidRequest", e.Message)
	}
}

// refusedByQuery returns a refusal in the words of STS and IAM.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func (c *call) refusedByQuery(why error, signature *sigv4.Signature) *serviceError {
	var refused refusal
	if errors.As(why, &refused) {
		if refused == expiredToken {
			return &serviceError{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
		}
		return &serviceError{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	}
	var e *sigv4.Error
	if !errors.As(why, &e) {
		return &serviceError{http.StatusInternalServerError, "InternalFailure", "internal error"}
	}
	switch e.Kind {
	case sigv4.Skewed, sigv4.Expired, sigv4.Early:
		return &serviceError{http.StatusForbidden, "SignatureDoesNotMatch", c.timeMessage(signature)}
	case sigv4.WrongDate:
		return &serviceError{http.StatusForbidden, "SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."}
	case sigv4.NoDate:
		return &serviceError{http.StatusBadRequest, "IncompleteSignature", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."}
	case sigv4.Mismatch:
		return &serviceError{
			http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		}
	case sigv4.Unsigned:
		return &serviceError{http.StatusForbidden, "SignatureDoesNotMatch", "'" + e.Headers[0] + "' must be a 'SignedHeader' in the AWS Authorization."}
	case sigv4.LongBody:
		return errLongBody()
	default:
		return &serviceError{http.StatusBadRequest, "IncompleteSignature", e.Message}
	}
}

// timeMessage returns the message of all services but S3 about a signature's
// time.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
func (c *call) timeMessage(signature *sigv4.Signature) string {
	const form, most = "20060102T150405Z", 15 * time.Minute
	signed, now := signature.Time.UTC(), c.at.UTC()
	if signed.After(now) {
		return fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)", signed.Format(form), now.Add(most).Format(form), now.Format(form))
	}
	return fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 15 min.)", signed.Format(form), now.Add(-most).Format(form), now.Format(form))
}

func errLongBody() *serviceError {
	return &serviceError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is longer than 1 MiB"}
}

func (c *call) refusedByKMS(why error, signature *sigv4.Signature) *serviceError {
	code, message := "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."
	var refused refusal
	if errors.As(why, &refused) {
		code, message = "UnrecognizedClientException", "The security token included in the request is invalid."
		if refused == expiredToken {
			code, message = "ExpiredTokenException", "The security token included in the request is expired"
		}
	}
	var e *sigv4.Error
	if errors.As(why, &e) {
		switch e.Kind {
		case sigv4.LongBody:
			return errLongBody()
		case sigv4.Skewed, sigv4.Expired, sigv4.Early:
			message = c.timeMessage(signature)
		}
	}
	return &serviceError{http.StatusBadRequest, code, message}
}

// s3Body reports to package s3 what is wrong with a body, in S3's words.
type s3Body struct {
	io.ReadCloser
	call *call
}

func (b *s3Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var e *sigv4.Error
	if errors.As(err, &e) {
		err = b.call.refusedByS3(e)
	}
	return n, err
}

// hostRegion finds the region in the host name of a regional endpoint.
var hostRegion = regexp.MustCompile(`(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2,5}(?:-[a-z]+)+-[0-9])\.amazonaws\.`)

// wrongRegion refuses a request that was sent to or signed for another region
// than its bucket's. AWS lets everyone ask for a bucket's region at us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func (s *Server) wrongRegion(c *call, r *http.Request) *s3.Error {
	b := s.directory.bucket(c.bucket)
	if b == nil || c.operation == "GetBucketLocation" && c.region == "us-east-1" || c.operation == "CreateBucket" {
		return nil
	}
	header := http.Header{"X-Amz-Bucket-Region": {b.Region}}
	if m := hostRegion.FindStringSubmatch(r.Host); m != nil && m[1] != b.Region {
		return &s3.Error{
			Status: http.StatusMovedPermanently, Code: "PermanentRedirect",
			Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			Extra:   []s3.Field{{Name: "Endpoint", Value: b.name + ".s3." + b.Region + ".amazonaws.com"}, {Name: "Bucket", Value: b.name}},
			Header:  header,
		}
	}
	if c.region == b.Region {
		return nil
	}
	e := &s3.Error{
		Status: http.StatusBadRequest, Code: "AuthorizationHeaderMalformed", Message: "The authorization header is malformed",
		Extra: []s3.Field{{Name: "Region", Value: b.Region}}, Header: header,
	}
	if r.Header.Get("Authorization") == "" {
		e.Code, e.Message = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"
	}
	e.Message += "; the region '" + cut(c.region) + "' is wrong; expecting '" + b.Region + "'"
	return e
}
