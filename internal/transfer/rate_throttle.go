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

// throttle applies Rates to the requests of one client.
type throttle struct {
	rates    *Rates
	endpoint string
}

// wait waits until an attempt may be sent, and returns the time to pass to
// record.
func (b throttle) wait(ctx context.Context, bucket string) (time.Time, error) {
	began, err := b.rates.wait(ctx, rateKey{b.endpoint, bucket})
	if err != nil {
		err = &aws.RequestCanceledError{Err: err}
	}
	return began, err
}

// record adds how the attempt ended.
func (b throttle) record(bucket string, began time.Time, err error) {
	o := accepted
	if err != nil && throttled(err) {
		o = refused
	}
	b.rates.record(rateKey{b.endpoint, bucket}, began, o)
}

type bucketKey struct{}

// addTo adds the throttle to the AWS SDK's middleware: around each attempt, and
// around the whole request, where the bucket is known.
func (b throttle) addTo(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RolecallRequest", b.request), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RolecallAttempt", b.attempt), "Retry", middleware.After)
}

func (b throttle) request(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
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

func (b throttle) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	bucket, _ := middleware.GetStackValue(ctx, bucketKey{}).(string)
	began, err := b.wait(ctx, bucket)
	if err != nil {
		return out, metadata, err
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	b.record(bucket, began, err)
	return out, metadata, err
}
