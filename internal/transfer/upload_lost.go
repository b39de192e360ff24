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

// whenLost has tell called for each attempt at a request that S3 may have
// carried out although it failed, and may carry out once more for the next.
func whenLost(tell func()) func(*s3.Options) {
	watch := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		if err != nil && !saidNo(err) {
			tell()
		}
		return out, metadata, err
	}
	return func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			// What fails before it was signed was not sent.
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RolecallLost", watch), "Signing", middleware.After)
		})
	}
}

// saidNo tells whether S3 says that it has not done what it was asked for. An
// error of its own may come after that was done, as does a broken connection.
func saidNo(err error) bool {
	if meaningOf(err) == awscode.Throttled {
		return true
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusMultipleChoices && answer.HTTPStatusCode() < http.StatusInternalServerError
}
