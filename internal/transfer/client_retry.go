package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
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

// retryer decides on another attempt, for the AWS SDK's requests and for ours.
// It has no quota of attempts for all requests together, as the SDK's own has,
// which a long job would use up: Rates keeps them from being too many.
type retryer struct {
	attempts  int
	base      time.Duration // the first pause at most
	retryable retry.IsErrorRetryables
}

// newRetryer makes one for a client. An expired credential is worth another
// attempt only where a new one can be had.
func newRetryer(credentials aws.CredentialsProvider, limit int) *retryer {
	_, renewable := credentials.(invalidator)
	return &retryer{
		attempts: cmp.Or(limit, attempts), base: firstBackoff,
		retryable: append(slices.Clone(retry.DefaultRetryables),
			retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if (renewable && expired(err)) || throttled(err) || cut(err) || meaningOf(err) == awscode.Contended {
					return aws.TrueTernary
				}
				return aws.UnknownTernary
			})),
	}
}

// IsErrorRetryable tells whether another attempt may help.
func (r *retryer) IsErrorRetryable(err error) bool { return r.retryable.IsErrorRetryable(err).Bool() }

// MaxAttempts bounds the attempts of one request.
func (r *retryer) MaxAttempts() int { return r.attempts }

// RetryDelay is the pause after an attempt, the first being 1: anything up to
// a bound that doubles, so that many who failed together do not come back
// together, and what the server asks for besides.
func (r *retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt <= 3 && expired(err) {
		return 0, nil
	}
	most := min(r.base<<min(max(attempt-1, 0), 16), maxBackoff)
	return retryAfter(err) + rand.N(most+1), nil
}

// GetRetryToken gives leave for another attempt.
func (*retryer) GetRetryToken(context.Context, error) (func(error) error, error) { return free, nil }

// GetInitialToken gives leave for a first attempt.
func (*retryer) GetInitialToken() func(error) error { return free }

// GetAttemptToken gives leave for an attempt.
func (*retryer) GetAttemptToken(context.Context) (func(error) error, error) { return free, nil }

func free(error) error { return nil }

// throttled tells whether S3 refused a request because there are too many.
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

// cut tells whether the answer broke off. The AWS SDK looks into it at several
// places, and calls that an error of deserialization at some of them.
func cut(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, errStalled)
}

// retryAfter is the pause that the server asks for, within bounds.
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

// exhausted is the failure of a request's last attempt.
type exhausted struct {
	attempts int
	took     time.Duration
	err      error
}

// Error says how often and how long was tried.
func (e *exhausted) Error() string {
	return fmt.Sprintf("after %d attempts in %v: %v", e.attempts, e.took.Round(100*time.Millisecond), e.err)
}

// Unwrap gives the last attempt's failure.
func (e *exhausted) Unwrap() error { return e.err }
