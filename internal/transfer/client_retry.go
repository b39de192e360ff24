package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

const (
	attempts      = 8
	firstBackoff  = time.Second
	maxBackoff    = 20 * time.Second
	maxRetryAfter = 30 * time.Second
)

// retryer decides whether and when a request is tried again, for the AWS SDK's
// requests and for ours. Unlike the SDK's own it has no quota for all requests
// together, which a long job would use up. Rates limits them instead.
type retryer struct {
	attempts  int
	base      time.Duration // the longest first pause
	retryable retry.IsErrorRetryables
}

// newRetryer returns the retryer of a client. Expired credentials are retried
// only if the provider can renew them.
func newRetryer(credentials aws.CredentialsProvider, limit int) *retryer {
	_, renewable := credentials.(invalidator)
	return &retryer{
		attempts: cmp.Or(limit, attempts), base: firstBackoff,
		retryable: append(append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(saysWhy)}, retry.DefaultRetryables...),
			retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if (renewable && expired(err)) || throttled(err) || brokeOff(err) || meaningOf(err) == awscode.Contended {
					return aws.TrueTernary
				}
				return aws.UnknownTernary
			})),
	}
}

// IsErrorRetryable reports whether another attempt may succeed.
func (r *retryer) IsErrorRetryable(err error) bool { return r.retryable.IsErrorRetryable(err).Bool() }

// MaxAttempts returns the limit of attempts for one request.
func (r *retryer) MaxAttempts() int { return r.attempts }

// RetryDelay returns the pause after an attempt, the first being 1. It is
// random below a bound that doubles, so that requests that failed together are
// not retried together, and is added to what the server asks for.
func (r *retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt <= 3 && (expired(err) || meaningOf(err) == awscode.Clock) { // the next is signed with another session or time
		return 0, nil
	}
	most := min(r.base<<min(max(attempt-1, 0), 16), maxBackoff)
	return retryAfter(err) + rand.N(most+1), nil
}

// GetRetryToken allows another attempt.
func (*retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if retried, ok := ctx.Value(retriesKey{}).(func(error)); ok {
		retried(err)
	}
	return noRelease, nil
}

type retriesKey struct{}

// WithRetries returns a context with which each attempt of a request that failed,
// and is made again, is reported with its error.
func WithRetries(ctx context.Context, retried func(error)) context.Context {
	return context.WithValue(ctx, retriesKey{}, retried)
}

// GetInitialToken allows the first attempt.
func (*retryer) GetInitialToken() func(error) error { return noRelease }

// GetAttemptToken allows an attempt.
func (*retryer) GetAttemptToken(context.Context) (func(error) error, error) { return noRelease, nil }

func noRelease(error) error { return nil }

// throttled reports whether S3 refused a request as one of too many.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
func throttled(err error) bool {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		switch answer.HTTPStatusCode() {
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			return true
		}
	}
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// saysWhy reports that another attempt is of no use where the code of an answer is
// that of a refusal, though its status is one that may pass. The AWS SDK takes an
// error with status 200 for one with 500.
// https://repost.aws/knowledge-center/s3-resolve-200-internalerror
func saysWhy(err error) aws.Ternary {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() < http.StatusInternalServerError {
		return aws.UnknownTernary
	}
	switch meaningOf(err) {
	case "", awscode.Throttled, awscode.Failing, awscode.Contended, awscode.NoUpload, awscode.Corrupt,
		awscode.Expired, awscode.Clock, awscode.BadKeys, awscode.BadSignature:
		return aws.UnknownTernary
	default:
		return aws.FalseTernary
	}
}

// brokeOff reports whether the connection ended within the answer. The AWS SDK
// reads answers in several places, and in some of them reports a
// deserialization error instead.
func brokeOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, errStalled)
}

// retryAfter returns the pause that the server asks for, limited to
// maxRetryAfter.
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(err error) time.Duration {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return 0
	}
	value := answer.Response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 16); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(date), 0), maxRetryAfter)
	}
	return 0
}

// exhausted is the error of a request's last attempt.
type exhausted struct {
	attempts int
	took     time.Duration
	err      error
}

// Error describes the failure, with the number of attempts and the time they
// took.
func (e *exhausted) Error() string {
	return fmt.Sprintf("after %d attempts in %v: %v", e.attempts, e.took.Round(100*time.Millisecond), e.err)
}

// Unwrap returns the error of the last attempt.
func (e *exhausted) Unwrap() error { return e.err }
