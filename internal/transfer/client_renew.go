package transfer

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// invalidator is a provider that can drop credentials from its cache.
type invalidator interface {
	aws.CredentialsProvider
	Invalidate(credentials aws.Credentials)
}

// renewal decides what happens when S3 does not accept the credentials of a
// request. Expired ones are dropped from the provider's cache.
//
// Of S3's many servers, one may not have heard yet of a session that STS has just
// made, or fail to find one that worked a second ago. So a request whose
// credentials S3 says that it does not know is tried again twice: with the same
// credentials, and then with new ones, where the provider can make them. Keys
// that cannot be renewed, and with which no request passed yet, are wrong. A time
// that S3 does not accept, and a signature by a key that it accepted before, is
// tried once more: if the clock here is wrong, that was corrected before.
type renewal struct {
	provider invalidator // nil: credentials cannot be renewed
	worked   atomic.Pointer[string]
}

// unknownLimit is how many answers to one request may say that its credentials
// are not known, or were not accepted.
const unknownLimit = 3

// unknownKeys is an answer after which another attempt is made.
type unknownKeys struct{ error }

// RetryableError returns true.
func (unknownKeys) RetryableError() bool { return true }

// Unwrap returns the answer.
func (u unknownKeys) Unwrap() error { return u.error }

// judge returns the error of an attempt that was signed with an access key and a
// session's token, as a retryable one if another attempt is worth it. Unknown
// counts the request's answers that were tried again.
func (r *renewal) judge(ctx context.Context, err error, key, token string, unknown *int) error {
	last := r.worked.Load()
	worked := last != nil && *last == key
	if err == nil {
		if !worked {
			r.worked.Store(&key)
		}
		return nil
	}
	switch means := meaningOf(err); means {
	case awscode.Expired:
		r.invalidate(ctx, token)
		return err
	case awscode.Clock, awscode.BadSignature:
		if *unknown > 0 || means == awscode.BadSignature && !worked {
			return err
		}
		*unknown++
		return unknownKeys{err}
	case awscode.BadKeys:
		if r.provider == nil && !worked {
			return err
		}
	default:
		return err
	}
	if *unknown++; *unknown >= unknownLimit {
		return err
	}
	if *unknown == unknownLimit-1 {
		r.invalidate(ctx, token)
	}
	return unknownKeys{err}
}

// invalidate drops the session with the token from the provider's cache. If
// another request has renewed it meanwhile, the new one stays.
func (r *renewal) invalidate(ctx context.Context, token string) {
	if r.provider == nil {
		return
	}
	if current, err := r.provider.Retrieve(ctx); err == nil && current.SessionToken == token {
		r.provider.Invalidate(current)
	}
}

type unknownCount struct{}

// addTo adds the renewal to the AWS SDK's middleware: the count to each request,
// and the judgement to each attempt, after it is signed.
func (r *renewal) addTo(stack *middleware.Stack) error {
	count := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
		middleware.InitializeOutput, middleware.Metadata, error,
	) {
		return next.HandleInitialize(middleware.WithStackValue(ctx, unknownCount{}, new(int)), in)
	}
	if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RolecallRenewCount", count), middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RolecallRenew", r.attempt), "Signing", middleware.After)
}

func (r *renewal) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	unknown, counted := middleware.GetStackValue(ctx, unknownCount{}).(*int)
	if req, ok := in.Request.(*smithyhttp.Request); ok && counted {
		_, key, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=")
		key, _, _ = strings.Cut(key, "/")
		err = r.judge(ctx, err, key, req.Header.Get("X-Amz-Security-Token"), unknown)
	}
	return out, metadata, err
}
