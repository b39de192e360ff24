package transfer

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// upload makes one object, of bytes that come from a file or another bucket.
type upload struct {
	to      Bucket
	key     string
	size    int64
	options PutOptions
	// open gives a span of the bytes. It is asked again when they must be sent
	// again.
	open func(ctx context.Context, at span) content
	// carried gives what the object is to carry, as its own copy. It is asked
	// when the whole was opened, or before parts are.
	carried func() (http.Header, error)
	// want is the source's checksum, if it has one that sums of parts can
	// be held against.
	want checksum
	// ready is asked, with the sum of all bytes, just before the object
	// becomes visible.
	ready func(all sum) error
}

func (u upload) run(ctx context.Context) (Result, error) {
	if u.size < inParts {
		return u.single(ctx)
	}
	spans, err := plan(u.size)
	if err != nil {
		return Result{}, err
	}
	return u.multipart(ctx, spans)
}

func (u upload) multipart(ctx context.Context, spans []span) (result Result, err error) {
	id, err := u.begin(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if err != nil || result.Already {
			err = u.abort(ctx, id, err)
		}
	}()
	sums := make([]sum, len(spans))
	parts := make([]types.CompletedPart, len(spans))
	err = sideBySide(ctx, spans, u.to.Client.wire, func(ctx context.Context, i int) (err error) {
		parts[i], sums[i], err = u.part(ctx, id, int32(i+1), spans[i])
		return err
	})
	if err != nil {
		return Result{}, err
	}
	all := join(u.want, sums)
	if err := u.ready(all); err != nil {
		return Result{}, err
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id), IfNoneMatch: u.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, MpuObjectSize: aws.Int64(u.size),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumType, in.ChecksumCRC64NVME = types.ChecksumTypeFullObject, aws.String(all.encoded())
	}
	known := func(context.Context) (sum, error) { return all, nil }
	if ours, err := u.look(ctx, known); ours != nil || err != nil {
		return u.result(ours, len(spans)), err
	}
	if _, err = u.to.Client.CompleteMultipartUpload(ctx, in); err != nil {
		return u.settle(ctx, known, len(spans), err)
	}
	return Result{Bytes: all.n, CRC64: all.crc64, Parts: len(spans)}, nil
}

// begin outlives a cancellation a little: an upload that began at S3 while
// its id was lost here could not be aborted.
func (u upload) begin(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	properties, err := u.properties()
	if err != nil {
		return "", err
	}
	ctx, cancel := grace(ctx)
	defer cancel()
	in := &s3.CreateMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key),
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject
	}
	out, err := u.to.Client.CreateMultipartUpload(ctx, in, carrying(properties))
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UploadId), nil
}

func (u upload) part(ctx context.Context, id string, number int32, at span) (types.CompletedPart, sum, error) {
	r := u.request("UploadPart")
	r.query = "partNumber=" + strconv.Itoa(int(number)) + "&uploadId=" + escape(id) + "&" + r.query
	part, header, err := u.send(ctx, r, at, nil)
	if err != nil {
		return types.CompletedPart{}, sum{}, err
	}
	report(u.options.Progress, at.n)
	done := types.CompletedPart{PartNumber: aws.Int32(number), ETag: optional(header.Get("ETag"))}
	if !u.to.NoChecksums {
		done.ChecksumCRC64NVME = aws.String(part.encoded())
	}
	return done, part, nil
}

// abort removes the parts even if ctx has ended. If that fails as well, the
// error names the upload for whoever sweeps it.
func (u upload) abort(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortLimit)
	defer cancel()
	// A part that was on its way may arrive after an abort, and stay: so it is
	// aborted again when those that were cut have had time to be noticed.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
	var err error
	for try := range 2 {
		if try > 0 {
			select {
			case <-time.After(abortAgain):
			case <-ctx.Done():
			}
		}
		_, err = u.to.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id),
			ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
		})
		var answer *smithyhttp.ResponseError
		if gone := errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound; gone {
			err = nil
		}
		if err != nil {
			break
		}
	}
	if cause == nil || err == nil {
		return cause
	}
	made := *fault("", u.to, u.key, cause).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	made.Upload = id
	return &made
}

func (u upload) condition() *string {
	if u.options.Overwrite {
		return nil
	}
	return aws.String("*")
}

const (
	abortLimit = 10 * time.Second
	abortAgain = 200 * time.Millisecond
)

// grace gives a context that ends abortLimit after ctx does.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(abortLimit, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}
