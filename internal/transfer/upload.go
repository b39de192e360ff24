package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"
)

// upload makes one object, of bytes that come from a file or another bucket.
type upload struct {
	to      Bucket
	key     string
	size    int64
	options PutOptions
	// open gives a span of the bytes, ready to be sent more than once.
	open func(ctx context.Context, at span) (body, error)
	// want is the source's checksum, if it has one that sums of parts can
	// be held against.
	want checksum
	// ready is asked, with the sum of all bytes, just before the object
	// becomes visible.
	ready func(all sum) error
}

type body struct {
	io.ReadSeeker
	sum sum
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

func (u upload) single(ctx context.Context) (Result, error) {
	b, err := u.open(ctx, span{0, u.size})
	if err != nil {
		return Result{}, err
	}
	if err := u.ready(b.sum); err != nil {
		return Result{}, err
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), Body: b.ReadSeeker, ContentLength: aws.Int64(u.size),
		IfNoneMatch: u.condition(), Metadata: u.metadata(),
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumCRC64NVME = aws.String(b.sum.encoded())
	}
	if ours, err := u.look(ctx, b.sum); ours || err != nil {
		return u.result(b.sum, 1, ours), err
	}
	_, err = u.to.Client.PutObject(ctx, in)
	if err == nil {
		report(u.options.Progress, u.size)
	}
	return u.settle(ctx, b.sum, 1, err)
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
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce(spans))
	for i, at := range spans {
		g.Go(func() error {
			var err error
			parts[i], sums[i], err = u.part(gctx, id, int32(i+1), at)
			return err
		})
		if gctx.Err() != nil {
			break
		}
	}
	if err := g.Wait(); err != nil {
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
	if ours, err := u.look(ctx, all); ours || err != nil {
		return u.result(all, len(spans), ours), err
	}
	_, err = u.to.Client.CompleteMultipartUpload(ctx, in)
	return u.settle(ctx, all, len(spans), err)
}

// begin outlives a cancellation a little: an upload that began at S3 while
// its id was lost here could not be aborted.
func (u upload) begin(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ctx, cancel := grace(ctx)
	defer cancel()
	in := &s3.CreateMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), Metadata: u.metadata(),
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject
	}
	out, err := u.to.Client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UploadId), nil
}

func (u upload) part(ctx context.Context, id string, number int32, at span) (types.CompletedPart, sum, error) {
	b, err := u.open(ctx, at)
	if err != nil {
		return types.CompletedPart{}, sum{}, err
	}
	in := &s3.UploadPartInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id), PartNumber: aws.Int32(number),
		Body: b.ReadSeeker, ContentLength: aws.Int64(at.n),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumCRC64NVME = aws.String(b.sum.encoded())
	}
	out, err := u.to.Client.UploadPart(ctx, in)
	if err != nil {
		return types.CompletedPart{}, sum{}, err
	}
	report(u.options.Progress, at.n)
	return types.CompletedPart{PartNumber: aws.Int32(number), ETag: out.ETag, ChecksumCRC64NVME: in.ChecksumCRC64NVME}, b.sum, nil
}

// result is what is given back of bytes that are all at S3.
func (u upload) result(all sum, parts int, already bool) Result {
	return Result{Bytes: all.n, CRC64: all.crc64, Parts: parts, Already: already}
}

// look asks for the object before it is written, where the server may ignore
// the condition that it must not be there. It tells whether it is, and ours.
// What may not be seen is left to the condition.
func (u upload) look(ctx context.Context, all sum) (ours bool, err error) {
	if !u.to.LookFirst || u.options.Overwrite {
		return false, nil
	}
	ours, err = u.done(ctx, all)
	switch kind := kindOf(err); {
	case err == nil && !ours:
		return false, &Error{Kind: Exists, Err: errors.New("it is there already")}
	case err != nil && (kind == NotFound || kind == Denied):
		return false, nil
	default:
		return ours, err
	}
}

// settle judges the last request. Refused because the object exists, or
// because the upload is gone, may mean that an earlier attempt succeeded and
// its answer was lost, or that the same task ran before: then it is done.
func (u upload) settle(ctx context.Context, all sum, parts int, err error) (Result, error) {
	if err == nil {
		return u.result(all, parts, false), nil
	}
	made := fault("", u.to, u.key, err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return Result{}, err
	}
	refused := answer.HTTPStatusCode() == http.StatusPreconditionFailed
	gone := answer.HTTPStatusCode() == http.StatusNotFound && parts > 1 && made.Kind != NoBucket
	if !refused && !gone {
		return Result{}, err
	}
	ours, unseen := u.done(ctx, all)
	switch {
	case ours:
		return u.result(all, parts, true), nil
	case refused && (unseen == nil || kindOf(unseen) == Denied):
		made.Kind = Exists
	default: // another try finds out
		made.Kind = Unavailable
	}
	return Result{}, made
}

// done tells whether the object that is there is the one to be written: the
// same marker, size and bytes.
func (u upload) done(ctx context.Context, all sum) (bool, error) {
	h, err := head(ctx, u.to, Object{Key: u.key})
	if err != nil || u.options.Marker == "" || h.marker != u.options.Marker || h.Size != u.size {
		return false, err
	}
	if h.sum.name == "CRC64NVME" {
		return all.matches(h.sum), nil
	}
	// The server keeps no such checksum: only reading the object tells.
	d := newDigest(checksum{})
	_, err = source{u.to, h.Object}.read(ctx, span{0, h.Size}, d)
	return err == nil && d.crc64 == all.crc64, err
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

func (u upload) metadata() map[string]string {
	if u.options.Marker == "" {
		return nil
	}
	return map[string]string{markerName: u.options.Marker}
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
