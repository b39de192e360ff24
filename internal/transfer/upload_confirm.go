package transfer

import "context"

// errUnconfirmed is the error of an answer with a good status to something that was
// to be stored, but not S3's: it lacks the ETag, or has a page in the place of
// nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
var errUnconfirmed = malformed("the answer does not have the ETag of what was stored")

// confirm looks for the object after an unconfirmed answer to the request that
// makes it, as after one that was lost. It returns the result if the object is
// there with the bytes.
func (u upload) confirm(ctx context.Context, all func(context.Context) (sum, error), result Result) (Result, error) {
	existing, err := u.alreadyWritten(ctx, all)
	switch {
	case existing != nil:
		return result, nil
	case ctx.Err() != nil:
		return Result{}, err
	default:
		return Result{}, errUnconfirmed
	}
}
