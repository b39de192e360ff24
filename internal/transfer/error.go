package transfer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// Kind classifies errors, for the package that explains them to users.
type Kind string

// The kinds of errors.
const (
	NotFound       Kind = "not_found"       // no such object; without s3:ListBucket S3 answers Denied instead
	NoBucket       Kind = "no_bucket"       // no such bucket
	Denied         Kind = "denied"          // a policy denies it, or the bucket has another owner than expected
	NoCredentials  Kind = "no_credentials"  // the provider returned no credentials; Err has the reason
	BadCredentials Kind = "bad_credentials" // S3 does not know the key, or the signature or the local clock is wrong
	Expired        Kind = "expired"         // the credentials expired and could not be renewed
	Exists         Kind = "exists"          // the destination exists, and Overwrite is not set
	Changed        Kind = "changed"         // the source changed while it was read
	Archived       Kind = "archived"        // the object must be restored before it can be read
	Corrupt        Kind = "corrupt"         // the bytes do not match their checksum
	Malformed      Kind = "malformed"       // the server's answer is not one of S3's
	TooLarge       Kind = "too_large"       // beyond S3's limits
	WrongRegion    Kind = "wrong_region"    // the bucket is in another region
	Refused        Kind = "refused"         // S3 refuses the request, and would refuse it again
	Unavailable    Kind = "unavailable"     // S3 is overloaded or failing, after retries
	Unreachable    Kind = "unreachable"     // no connection, or it broke, after retries
	NoTLS          Kind = "no_tls"          // the server speaks no TLS, has no valid certificate, or refuses the client
	Stalled        Kind = "stalled"         // nothing moved over the connection for a minute, or too little, after retries
	DiskFull       Kind = "disk_full"       // no room for the file
	DiskFailed     Kind = "disk_failed"     // the file system fails, or no more files can be open
	BadFile        Kind = "bad_file"        // the path is not a regular file, or cannot be one
	Canceled       Kind = "canceled"        // the caller's context ended
	Panicked       Kind = "panicked"        // a bug in this program
)

// Error is the error of every transfer.
type Error struct {
	Op     string // list, head, get, put, copy, tag, abort
	Bucket string
	Key    string
	Kind   Kind
	Code   string // AWS's code, if AWS answered
	Text   string // AWS's message, if any: for logs, and for finding out which policy denied
	Upload string // id of a multipart upload that could not be aborted
	// Attempts is how often the request was tried, within Took; zero if the
	// first attempt showed that another is of no use.
	Attempts int
	Took     time.Duration
	Mismatch *Mismatch // for Corrupt, if the mismatch was found here
	Err      error
}

// Mismatch is a checksum that differs from the right one. Values are in base64.
type Mismatch struct {
	Algorithm string // CRC64NVME, CRC32, …
	Want, Got string
	Stored    bool // S3 has made an object of the bytes, which must be removed or replaced
}

// Error describes the operation, the object and the cause.
func (e *Error) Error() string {
	at := e.Bucket
	if e.Key != "" {
		at += "/" + e.Key
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s: %s: %v", e.Op, at, e.Kind, e.Err))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RetryableError returns false. The AWS SDK calls it when a body or a
// credentials provider fails: what can be retried has been retried.
func (e *Error) RetryableError() bool { return false }

// fault returns err as an *Error. If it is one already, its empty members are
// set.
func fault(op string, b Bucket, key string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		full := *known
		if full.Op == "" {
			full.Op, full.Bucket, full.Key = op, b.Name, key
		}
		return &full
	}
	e := &Error{Op: op, Bucket: b.Name, Key: key, Kind: kindOf(err), Err: err}
	if a, ok := awscode.Read(err); ok {
		e.Code, e.Text = a.Code, a.Text
	}
	var spent *exhausted
	if errors.As(err, &spent) {
		e.Attempts, e.Took = spent.attempts, spent.took
	}
	return e
}

// KindOf classifies an error of a call to the Client.
func KindOf(err error) Kind {
	var known *Error
	if errors.As(err, &known) {
		return known.Kind
	}
	return kindOf(err)
}

func kindOf(err error) Kind {
	var send *smithyhttp.RequestSendError
	var answered *unreadable
	var untrusted noTLS
	switch {
	case errors.Is(err, errStalled):
		return Stalled
	case errors.As(err, &answered):
		return Malformed
	case errors.As(err, &untrusted):
		return NoTLS
	case errors.As(err, &send): // first, since a timeout of the connection may be a DeadlineExceeded too
		return Unreachable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return DiskFull
	case expired(err):
		return Expired
	}
	if kind := kindOfMeaning[meaningOf(err)]; kind != "" {
		return kind
	}
	var answer *smithyhttp.ResponseError
	var network net.Error
	switch {
	case !errors.As(err, &answer):
		return Unreachable
	case answer.HTTPStatusCode() < 300 && answer.HTTPStatusCode() >= 200 && !brokeOff(err) && !errors.As(err, &network):
		return Malformed // an answer came, and could not be read
	default:
		return kindOfStatus(answer.HTTPStatusCode())
	}
}

// kindOfMeaning maps the meaning of S3's codes to kinds.
var kindOfMeaning = map[awscode.Meaning]Kind{
	awscode.NoObject: NotFound, awscode.NoBucket: NoBucket, awscode.Denied: Denied, awscode.Closed: Denied,
	awscode.BadKeys: BadCredentials, awscode.BadSignature: BadCredentials, awscode.Clock: BadCredentials, awscode.Expired: Expired,
	awscode.Changed: Changed, awscode.Archived: Archived, awscode.Corrupt: Corrupt, awscode.TooLarge: TooLarge,
	awscode.WrongRegion: WrongRegion, awscode.Unsupported: Refused,
	awscode.Throttled: Unavailable, awscode.Failing: Unavailable, awscode.Contended: Unavailable, awscode.NoUpload: Unavailable,
}

// kindOfStatus classifies an answer whose code is unknown.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return Denied
	case status == http.StatusPreconditionFailed:
		return Changed
	case status == http.StatusNotModified: // nothing was asked for on that condition
		return Malformed
	case status >= 300 && status < 400:
		return WrongRegion
	case status == http.StatusNotImplemented:
		return Refused
	case status == http.StatusTooManyRequests, status >= 500:
		return Unavailable
	case status >= 400:
		return Refused
	default: // a good status whose body could not be read
		return Unreachable
	}
}

// expired reports whether the answer says that the credentials ran out.
func expired(err error) bool { return meaningOf(err) == awscode.Expired }

// meaningOf returns what the code of S3's answer means, whatever its text says.
func meaningOf(err error) awscode.Meaning {
	a, _ := awscode.Read(err)
	return awscode.Of(a.Code)
}
