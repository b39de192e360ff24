package transfer

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// brake applies Rates to the requests of one client.
type brake struct {
	rates    *Rates
	endpoint string
}

// wait waits until an attempt may go out, and gives the time for note.
func (b brake) wait(ctx context.Context, bucket string) (time.Time, error) {
	began, err := b.rates.wait(ctx, limited{b.endpoint, bucket})
	if err != nil {
		err = &aws.RequestCanceledError{Err: err}
	}
	return began, err
}

// note takes down how the attempt ended.
func (b brake) note(bucket string, began time.Time, err error) {
	b.rates.note(limited{b.endpoint, bucket}, began, err != nil && throttled(err))
}

type bucketKey struct{}

// add puts it around each attempt of the AWS SDK's requests, and around the
// whole request, where the bucket can be learned.
func (b brake) add(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RolecallRequest", b.request), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RolecallAttempt", b.attempt), "Retry", middleware.After)
}

func (b brake) request(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	// Each operation has its own type of input, with the bucket in a field.
	if field := reflect.Indirect(reflect.ValueOf(in.Parameters)).FieldByName("Bucket"); field.IsValid() {
		if bucket, ok := field.Interface().(*string); ok {
			ctx = middleware.WithStackValue(ctx, bucketKey{}, aws.ToString(bucket))
		}
	}
	began := time.Now()
	out, metadata, err := next.HandleInitialize(ctx, in)
	var spent *retry.MaxAttemptsError
	if errors.As(err, &spent) {
		err = &exhausted{spent.Attempt, time.Since(began), spent.Err}
	}
	return out, metadata, err
}

func (b brake) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	bucket, _ := middleware.GetStackValue(ctx, bucketKey{}).(string)
	began, err := b.wait(ctx, bucket)
	if err != nil {
		return out, metadata, err
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	b.note(bucket, began, err)
	return out, metadata, err
}
