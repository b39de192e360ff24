package transfer

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	abortLimit = 10 * time.Second
	abortPause = 200 * time.Millisecond
)

// withGrace returns a context that ends abortLimit after ctx does.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(abortLimit, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}

// abortAfter aborts the upload after a failure, and returns its cause. If the
// abort fails as well, the error names the upload, so that others can remove
// it.
func (u upload) abortAfter(ctx context.Context, id string, cause error) error {
	err := u.abort(ctx, id)
	if err == nil {
		u.entry.Drop()
		return cause
	}
	e := fault("", u.to, u.key, cause)
	e.Upload = id
	return e
}

// abort aborts the upload even if ctx has ended.
func (u upload) abort(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortLimit)
	defer cancel()
	// A part in transfer may arrive after the abort, and stay. So the abort is
	// repeated when S3 has had time to notice closed connections.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
	for try := range 2 {
		if try > 0 && pause(ctx, abortPause) != nil {
			break
		}
		if err := u.abortOnce(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (u upload) abortOnce(ctx context.Context, id string) error {
	_, err := u.to.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	})
	if err != nil && !noUpload(err) {
		return err
	}
	return nil
}

// noUpload reports whether S3 says that the upload does not exist.
func noUpload(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound && kindOf(err) != NoBucket
}
