package transfer

import (
	"context"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/journal"
)

// upload makes one object of bytes from a file or another bucket.
type upload struct {
	to      Bucket
	key     string
	size    int64
	options PutOptions
	// open returns a span of the bytes. It is called again for bytes that must
	// be sent again.
	open func(ctx context.Context, at span) content
	// sourceProperties returns a new header with the object's properties. It is
	// called when the whole is open, or before any part is.
	sourceProperties func() (http.Header, error)
	// want is the source's checksum, if sums of parts can be compared with it.
	want checksum
	// check is called with the sum of all bytes, just before the object becomes
	// visible. An error prevents that.
	check func(all sum) error
	// from identifies one state of the source, as far as its metadata can.
	// SumAgain, if set, reads the bytes and makes it certain.
	from     journal.Digest
	sumAgain func(ctx context.Context, at span) (sum, error)
	// serverSide, if set, has S3 copy the bytes.
	serverSide *copier
	tags       *copiedTags // nil: there are none to copy
	entry      *journal.Entry
}

func (u upload) run(ctx context.Context) (result Result, err error) {
	if u.options.Journal != nil {
		u.entry = u.options.Journal.Acquire(u.id(), u.version())
		defer u.entry.Release()
	}
	if result, ok := u.finishedBefore(ctx); ok {
		return result, nil
	}
	if err := u.dropStale(ctx); err != nil {
		return Result{}, err
	}
	write := u.single
	if u.serverSide != nil {
		write = u.copyWhole
	}
	if u.size >= u.multipartFrom() {
		result, err = u.multipart(ctx)
	} else if result, err = write(ctx); err == nil {
		report(u.options.Progress, u.size)
	}
	if err == nil {
		u.entry.Done(journal.Finished{Bytes: result.Bytes, CRC64: result.CRC64})
	}
	return result, err
}

func (u upload) multipart(ctx context.Context) (result Result, err error) {
	spans, err := plan(u.size, u.partSize())
	if err != nil {
		return Result{}, err
	}
	open, err := u.start(ctx, spans)
	if err != nil {
		return Result{}, err
	}
	if open.existing != nil {
		return u.alreadyThere(open.existing, len(spans)), nil
	}
	defer func() {
		switch {
		case err == nil && result.Already:
			err = u.drop(ctx, open.id)
		case err != nil && (u.entry == nil || !resumable(err)):
			err = u.abortAfter(ctx, open.id, err)
		}
	}()
	err = eachPart(ctx, spans, u.to.Client.wire, func(ctx context.Context, i int) (err error) {
		if open.parts[i].PartNumber != nil {
			unchanged, err := u.sourceHas(ctx, spans[i], open.sums[i])
			if err != nil {
				return err
			}
			if unchanged {
				open.kept.Add(open.sums[i].n)
				u.reportKept(open.sums[i].n)
				return nil
			}
		}
		open.parts[i], open.sums[i], err = u.part(ctx, open.id, int32(i+1), spans[i])
		return err
	})
	if err != nil {
		return Result{}, err
	}
	all := join(u.want, open.sums)
	if err := u.check(all); err != nil {
		return Result{}, err
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(open.id), IfNoneMatch: u.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: open.parts}, MpuObjectSize: aws.Int64(u.size),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumType, in.ChecksumCRC64NVME = types.ChecksumTypeFullObject, aws.String(all.encoded())
	}
	known := func(context.Context) (sum, error) { return all, nil }
	if existing, err := u.lookFirst(ctx, known); existing != nil || err != nil {
		return u.alreadyThere(existing, len(spans)), err
	}
	out, err := u.to.Client.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return u.explainFailure(ctx, known, len(spans), err)
	}
	stored := answerChecksums{crc64: out.ChecksumCRC64NVME, kind: out.ChecksumType}.fullObject()
	if err := checkStoredObject(stored, all.as("CRC64NVME")); err != nil {
		return Result{}, err
	}
	result = Result{Bytes: all.n, CRC64: all.crc64, Parts: len(spans), Kept: open.kept.Load()}
	if aws.ToString(out.ETag) == "" {
		return u.confirm(ctx, known, result)
	}
	return result, nil
}

// begin starts a multipart upload. It may finish a little after a cancellation:
// an upload that S3 began but whose id is lost here could not be aborted.
func (u upload) begin(ctx context.Context) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	properties, err := u.properties()
	if err != nil {
		return "", err
	}
	ctx, cancel := withGrace(ctx)
	defer cancel()
	u.entry.BeginUpload(u.to.Name, u.key, u.options.Marker)
	if u.tags.anyLost() {
		u.entry.TagsLost()
	}
	defer func() {
		if err != nil {
			u.entry.Drop()
		}
	}()
	in := &s3.CreateMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key),
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject
	}
	out, err := u.to.Client.CreateMultipartUpload(ctx, in, withHeaders(properties), onLost(u.entry.Lost))
	if err != nil {
		return "", err
	}
	u.tags.accept()
	id = aws.ToString(out.UploadId)
	if id == "" || len(id) > maxUpload {
		u.entry.Lost()
		return "", malformed("the upload has an id of %d bytes", len(id))
	}
	u.entry.Began(id, u.retract(id))
	return id, nil
}

// part is an uploaded part.
type part struct {
	etag string
	sum  sum
}

// multipartFrom returns the size from which on the object is made in parts.
func (u upload) multipartFrom() int64 {
	if u.serverSide != nil {
		return copyMultipartFrom
	}
	return multipartFrom
}

// partSize returns the size of the upload's parts.
func (u upload) partSize() int64 {
	if u.serverSide != nil && u.size >= copyMultipartFrom {
		return copyPartSize
	}
	return partSize
}

func (u upload) part(ctx context.Context, id string, number int32, at span) (types.CompletedPart, sum, error) {
	move := u.sendPart
	if u.serverSide != nil {
		move = u.copyPart
	}
	done, err := move(ctx, id, number, at)
	if err != nil {
		return types.CompletedPart{}, sum{}, err
	}
	u.entry.Part(int(number), done.journalPart())
	return u.completedPart(int(number), done), done.sum, nil
}

func (u upload) sendPart(ctx context.Context, id string, number int32, at span) (part, error) {
	r := u.request("UploadPart")
	r.query = "partNumber=" + strconv.Itoa(int(number)) + "&uploadId=" + escape(id) + "&" + r.query
	sent, header, err := u.send(ctx, r, at, nil)
	if err != nil {
		return part{}, err
	}
	return part{header.Get("ETag"), sent}, checkStoredPart(checksumsIn(header).fullObject(), sent.as("CRC64NVME"))
}

// completedPart returns the part as CompleteMultipartUpload names it.
func (u upload) completedPart(number int, p part) types.CompletedPart {
	named := types.CompletedPart{PartNumber: aws.Int32(int32(number)), ETag: optional(p.etag)}
	if !u.to.NoChecksums {
		named.ChecksumCRC64NVME = aws.String(p.sum.encoded())
	}
	return named
}

func (u upload) condition() *string {
	if u.options.Overwrite {
		return nil
	}
	return aws.String("*")
}
