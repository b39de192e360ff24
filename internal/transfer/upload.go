package transfer

import (
	"context"
	"errors"
	"io"
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

// single writes the object with one request: what fits a buffer is held, and
// summed before, the rest is streamed.
func (u upload) single(ctx context.Context) (Result, error) {
	if ours, err := u.look(ctx, u.read); ours != nil || err != nil {
		return u.result(ours, 1), err
	}
	var all sum
	var err error
	if u.size > ioBuffer {
		all, err = u.stream(ctx)
	} else {
		all, err = u.hold(ctx)
	}
	if err == nil {
		report(u.options.Progress, u.size)
		return Result{Bytes: all.n, CRC64: all.crc64, Parts: 1}, nil
	}
	return u.settle(ctx, u.read, 1, err)
}

func (u upload) hold(ctx context.Context) (sum, error) {
	memory := u.to.Client.wire.memory
	if err := memory.acquire(ctx); err != nil {
		return sum{}, err
	}
	defer memory.release()
	// Not lent from the memory: a transport may still read it after its answer.
	bytes := make([]byte, u.size)
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	if u.size == 0 { // it may have to be there
		if _, err := c.Read(nil); err != nil && !errors.Is(err, io.EOF) {
			return sum{}, err
		}
	} else if _, err := io.ReadFull(c, bytes); err != nil {
		return sum{}, err
	}
	all := c.sum()
	if err := u.ready(all); err != nil {
		return sum{}, err
	}
	r := u.putObject()
	if !u.to.NoChecksums {
		r.header["X-Amz-Checksum-Crc64nvme"] = []string{all.encoded()}
	}
	r.held = bytes
	_, err := u.to.Client.wire.put(ctx, r)
	return all, err
}

func (u upload) stream(ctx context.Context) (sum, error) {
	all, _, err := u.send(ctx, u.putObject(), span{0, u.size}, u.ready)
	return all, err
}

// putObject is the request for the object in one piece.
func (u upload) putObject() request {
	r := u.request("PutObject")
	set := func(name, value string) {
		if value != "" {
			r.header[name] = []string{value}
		}
	}
	set("Content-Type", "application/octet-stream")
	set("If-None-Match", aws.ToString(u.condition()))
	set("X-Amz-Meta-Rolecall", u.options.Marker)
	set("X-Amz-Server-Side-Encryption", u.options.Encryption.Type)
	set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", u.options.Encryption.Key)
	set("X-Amz-Storage-Class", u.options.StorageClass)
	set("X-Amz-Acl", u.options.ACL)
	return r
}

func (u upload) request(operation string) request {
	return request{
		bucket: u.to, key: u.key, query: "x-id=" + operation, header: http.Header{}, hash: unsigned, length: u.size,
	}
}

// send streams a span, with its checksum behind it, and gives the sum of what
// was sent and the answer's header. What cannot be taken up again in the
// middle is sent again from the beginning.
func (u upload) send(ctx context.Context, r request, at span, ready func(sum) error) (sum, http.Header, error) {
	memory := u.to.Client.wire.memory
	if err := memory.acquire(ctx); err != nil {
		return sum{}, nil, err
	}
	defer memory.release()
	if r.length = at.n; !u.to.NoChecksums {
		r.length, r.hash = framed(at.n), unsignedTrailer
		r.header["Content-Encoding"] = []string{"aws-chunked"}
		r.header["X-Amz-Decoded-Content-Length"] = []string{strconv.FormatInt(at.n, 10)}
		r.header["X-Amz-Trailer"] = []string{crc64Trailer}
	}
	var last *body
	r.body = func(ctx context.Context) io.ReadCloser {
		ctx, cancel := context.WithCancel(ctx)
		last = &body{from: u.open(ctx, at), left: at.n, ready: ready, cancel: cancel}
		if !u.to.NoChecksums {
			last.trailer()
		}
		return last
	}
	header, err := u.to.Client.wire.put(ctx, r)
	if err != nil {
		return sum{}, nil, err
	}
	all, whole := last.sent()
	if !whole {
		return sum{}, nil, malformed("S3 says that it has what was not sent yet")
	}
	return all, header, nil
}

// read sums all bytes without sending them.
func (u upload) read(ctx context.Context) (sum, error) {
	c := u.open(ctx, span{0, u.size})
	defer c.Close()
	buf, giveBack := u.to.Client.wire.memory.buffer()
	defer giveBack()
	for {
		if _, err := c.Read(buf); errors.Is(err, io.EOF) {
			return c.sum(), nil
		} else if err != nil {
			return sum{}, err
		}
	}
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

// result is what is given back of bytes that were at S3 already.
func (u upload) result(there *sum, parts int) Result {
	if there == nil {
		return Result{}
	}
	return Result{Bytes: there.n, CRC64: there.crc64, Parts: parts, Already: true}
}

// look asks for the object before it is written, where the server may ignore
// the condition that it must not be there. If it is, and ours, it gives the
// sum. What may not be seen is left to the condition.
func (u upload) look(ctx context.Context, all func(context.Context) (sum, error)) (ours *sum, err error) {
	if !u.to.LookFirst || u.options.Overwrite {
		return nil, nil
	}
	ours, err = u.done(ctx, all)
	switch kind := kindOf(err); {
	case err == nil && ours == nil:
		return nil, &Error{Kind: Exists, Err: errors.New("it is there already")}
	case err != nil && (kind == NotFound || kind == Denied):
		return nil, nil
	default:
		return ours, err
	}
}

// settle judges the failure of the last request. Refused because the object
// exists, or because the upload is gone, may mean that an earlier attempt
// succeeded and its answer was lost, or that the same task ran before: then it
// is done.
func (u upload) settle(ctx context.Context, all func(context.Context) (sum, error), parts int, err error) (Result, error) {
	var own *Error // of the source, or of the file
	var answer *smithyhttp.ResponseError
	if errors.As(err, &own) || !errors.As(err, &answer) {
		return Result{}, err
	}
	made := fault("", u.to, u.key, err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	refused := answer.HTTPStatusCode() == http.StatusPreconditionFailed
	gone := answer.HTTPStatusCode() == http.StatusNotFound && parts > 1 && made.Kind != NoBucket
	if !refused && !gone {
		return Result{}, err
	}
	ours, unseen := u.done(ctx, all)
	switch {
	case ours != nil:
		return u.result(ours, parts), nil
	case refused && (unseen == nil || kindOf(unseen) == Denied):
		made.Kind = Exists
	default: // another try finds out
		made.Kind = Unavailable
	}
	return Result{}, made
}

// done tells whether the object that is there is the one to be written: the
// same marker, size and bytes. Then it gives their sum.
func (u upload) done(ctx context.Context, all func(context.Context) (sum, error)) (*sum, error) {
	h, err := head(ctx, u.to, Object{Key: u.key})
	if err != nil || u.options.Marker == "" || h.marker != u.options.Marker || h.Size != u.size {
		return nil, err
	}
	ours, err := all(ctx)
	if err != nil {
		return nil, err
	}
	same := h.sum.name == "CRC64NVME" && ours.matches(h.sum)
	if h.sum.name != "CRC64NVME" {
		// The server keeps no such checksum: only reading the object tells.
		theirs := source{u.to, h.Object}.stream(ctx, span{0, h.Size}, checksum{})
		if err := theirs.drain(io.Discard, u.to.Client.wire.memory); err != nil {
			return nil, err
		}
		same = theirs.crc64 == ours.crc64
	}
	if !same {
		return nil, nil
	}
	return &ours, nil
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
