package transfer

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// onLost calls lost for each failed attempt that S3 may have carried out, and
// may carry out once more with the next attempt.
func onLost(lost func()) func(*s3.Options) {
	watch := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		if err != nil && !notCarriedOut(err) {
			lost()
		}
		return out, metadata, err
	}
	return func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			// What fails before it is signed is not sent.
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RolecallLost", watch), "Signing", middleware.After)
		})
	}
}

// notCarriedOut reports whether S3 says that it has not carried out the
// request. An internal error of S3, like a broken connection, may come after it
// did.
func notCarriedOut(err error) bool {
	if meaningOf(err) == awscode.Throttled {
		return true
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusMultipleChoices && answer.HTTPStatusCode() < http.StatusInternalServerError
}
