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
	// from tells one state of the source from another, as far as can be told
	// from outside; again, if it is set, sums the bytes to tell it for certain.
	from  journal.Digest
	again func(ctx context.Context, at span) (sum, error)
	// within, if it is set, has S3 copy the bytes by itself.
	within *copying
	tags   *copiedTags // nil: there are none to be kept
	note   *journal.Entry
}

func (u upload) run(ctx context.Context) (result Result, err error) {
	if u.options.Journal != nil {
		u.note = u.options.Journal.Take(u.id(), u.version())
		defer u.note.Leave()
	}
	if result, ok := u.earlier(ctx); ok {
		return result, nil
	}
	if err := u.renounce(ctx); err != nil {
		return Result{}, err
	}
	whole := u.single
	if u.within != nil {
		whole = u.copyWhole
	}
	if u.size >= u.partsFrom() {
		result, err = u.multipart(ctx)
	} else if result, err = whole(ctx); err == nil {
		report(u.options.Progress, u.size)
	}
	if err == nil {
		u.note.Done(journal.Finished{Bytes: result.Bytes, CRC64: result.CRC64})
	}
	return result, err
}

func (u upload) multipart(ctx context.Context) (result Result, err error) {
	spans, err := plan(u.size, u.partSize())
	if err != nil {
		return Result{}, err
	}
	at, err := u.start(ctx, spans)
	if err != nil {
		return Result{}, err
	}
	if at.ours != nil {
		return u.result(at.ours, len(spans)), nil
	}
	defer func() {
		switch {
		case err == nil && result.Already:
			err = u.drop(ctx, at.id)
		case err != nil && (u.note == nil || !goesOn(err)):
			err = u.abandon(ctx, at.id, err)
		}
	}()
	err = sideBySide(ctx, spans, u.to.Client.wire, func(ctx context.Context, i int) (err error) {
		if at.parts[i].PartNumber != nil {
			still, err := u.still(ctx, spans[i], at.sums[i])
			if err != nil {
				return err
			}
			if still {
				at.kept.Add(at.sums[i].n)
				u.have(at.sums[i].n)
				return nil
			}
		}
		at.parts[i], at.sums[i], err = u.part(ctx, at.id, int32(i+1), spans[i])
		return err
	})
	if err != nil {
		return Result{}, err
	}
	all := join(u.want, at.sums)
	if err := u.ready(all); err != nil {
		return Result{}, err
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(at.id), IfNoneMatch: u.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: at.parts}, MpuObjectSize: aws.Int64(u.size),
		ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
	}
	if !u.to.NoChecksums {
		in.ChecksumType, in.ChecksumCRC64NVME = types.ChecksumTypeFullObject, aws.String(all.encoded())
	}
	known := func(context.Context) (sum, error) { return all, nil }
	if ours, err := u.look(ctx, known); ours != nil || err != nil {
		return u.result(ours, len(spans)), err
	}
	out, err := u.to.Client.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return u.settle(ctx, known, len(spans), err)
	}
	has := offered{crc64: out.ChecksumCRC64NVME, kind: out.ChecksumType}.whole()
	if err := lasting(has, all.as("CRC64NVME")); err != nil {
		return Result{}, err
	}
	return Result{Bytes: all.n, CRC64: all.crc64, Parts: len(spans), Kept: at.kept.Load()}, nil
}

// begin outlives a cancellation a little: an upload that began at S3 while
// its id was lost here could not be aborted.
func (u upload) begin(ctx context.Context) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	properties, err := u.properties()
	if err != nil {
		return "", err
	}
	ctx, cancel := grace(ctx)
	defer cancel()
	u.note.BeginUpload(u.to.Name, u.key, u.options.Marker)
	if u.tags.areLost() {
		u.note.Bare()
	}
	defer func() {
		if err != nil {
			u.note.Over()
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
	out, err := u.to.Client.CreateMultipartUpload(ctx, in, carrying(properties), whenLost(u.note.Lost))
	if err != nil {
		return "", err
	}
	u.tags.taken()
	id = aws.ToString(out.UploadId)
	if id == "" || len(id) > maxUpload {
		u.note.Lost()
		return "", malformed("the upload has an id of %d bytes", len(id))
	}
	u.note.Began(id, u.retract(id))
	return id, nil
}

// part is one that is there.
type part struct {
	etag string
	sum  sum
}

// partsFrom is the size from which on the object is made in parts.
func (u upload) partsFrom() int64 {
	if u.within != nil {
		return copiedInParts
	}
	return inParts
}

// partSize is that of the upload's parts.
func (u upload) partSize() int64 {
	if u.within != nil && u.size >= copiedInParts {
		return copiedPart
	}
	return partSize
}

func (u upload) part(ctx context.Context, id string, number int32, at span) (types.CompletedPart, sum, error) {
	give := u.sendPart
	if u.within != nil {
		give = u.copyPart
	}
	there, err := give(ctx, id, number, at)
	if err != nil {
		return types.CompletedPart{}, sum{}, err
	}
	u.note.Part(int(number), there.noted())
	return u.completedPart(int(number), there), there.sum, nil
}

func (u upload) sendPart(ctx context.Context, id string, number int32, at span) (part, error) {
	r := u.request("UploadPart")
	r.query = "partNumber=" + strconv.Itoa(int(number)) + "&uploadId=" + escape(id) + "&" + r.query
	sent, header, err := u.send(ctx, r, at, nil)
	if err != nil {
		return part{}, err
	}
	return part{header.Get("ETag"), sent}, stored(offeredBy(header).whole(), sent.as("CRC64NVME"))
}

// completedPart is the part as CompleteMultipartUpload names it.
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
