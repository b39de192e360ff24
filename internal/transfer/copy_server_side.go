package transfer

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// S3 copies 85 to 90 MB/s per request, and requests in parallel. A part is
// large enough that a request's overhead does not matter, and small enough
// that no request seems to stall.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
const (
	copyPartSize      = 32 * mib
	copyMultipartFrom = 2 * copyPartSize // objects of this size and more are copied in parts
)

// serverSide has S3 copy the object. It sends HEAD first and sets all
// properties itself, because the source's marker must not be copied.
func (c *copier) serverSide(ctx context.Context) (Result, error) {
	if err := c.askHead(ctx); err != nil {
		return Result{}, c.sourceFault(err)
	}
	to := c.to
	to.Client = c.options.CopyClient
	to.RequesterPays = to.RequesterPays || c.src.RequesterPays // one header is for both
	u := upload{
		to: to, key: c.key, size: c.src.Size, options: c.options, serverSide: c, from: c.src.version(), tags: &c.tags,
		open:             (&relay{src: c.src}).open, // for comparing bytes with an object that exists
		sourceProperties: func() (http.Header, error) { return c.properties(ctx, c.head.http) },
		check:            c.checkCopied,
	}
	return u.run(ctx)
}

// checkCopied compares the sum of the parts that S3 copied with the source's
// checksum, if both are of the same function.
func (c *copier) checkCopied(all sum) error {
	want := c.head.sum
	if want.name != "CRC64NVME" {
		return nil
	}
	if !all.matches(want) {
		return mismatched("the parts that S3 copied have", want, all.as(want.name))
	}
	c.verified = want.name
	return nil
}

// sourceSum returns the source's sum. It reads the source if S3 does not report
// it.
func (c *copier) sourceSum(u upload) func(context.Context) (sum, error) {
	return func(ctx context.Context) (sum, error) {
		if known := c.head.sum; known.name == "CRC64NVME" {
			return sum{crc64: binary.BigEndian.Uint64(known.value), n: u.size}, nil
		}
		return u.sumSource(ctx)
	}
}

// askHead sends HEAD for the source, unless that was done.
func (c *copier) askHead(ctx context.Context) error {
	if c.head.http != nil {
		return nil
	}
	h, err := head(ctx, c.src.Bucket, c.src.Object)
	if err != nil {
		return err
	}
	if err := c.src.isSame(h.Object); err != nil {
		return err
	}
	c.head = h
	return nil
}

// copyWhole has S3 copy the object with one request.
func (u upload) copyWhole(ctx context.Context) (Result, error) {
	c := u.serverSide
	// Other servers may support the condition of PutObject, but not that of
	// CopyObject.
	u.to.LookFirst = u.to.LookFirst || u.to.Client.Options().BaseEndpoint != nil
	if existing, err := u.lookFirst(ctx, c.sourceSum(u)); existing != nil || err != nil {
		return u.alreadyThere(existing, 1), err
	}
	properties, err := u.properties()
	if err != nil {
		return Result{}, err
	}
	out, err := u.to.Client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), IfNoneMatch: u.condition(),
		CopySource: c.copySource(), CopySourceIfMatch: optional(c.src.ETag),
		MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace,
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ChecksumAlgorithm:   types.ChecksumAlgorithmCrc64nvme,
		ExpectedBucketOwner: u.to.owner(), ExpectedSourceBucketOwner: c.src.owner(), RequestPayer: u.to.payer(),
	}, withHeaders(properties))
	if err != nil {
		if atSource := c.sourceFailure(ctx, err); atSource != nil {
			return Result{}, atSource
		}
		return u.explainFailure(ctx, c.sourceSum(u), 1, err)
	}
	var stored checksum
	confirmed := false
	if r := out.CopyObjectResult; r != nil {
		stored, confirmed = answerChecksums{crc64: r.ChecksumCRC64NVME, kind: r.ChecksumType}.fullObject(), aws.ToString(r.ETag) != ""
	}
	all, err := c.copySum(ctx, u, stored)
	if err != nil {
		return Result{}, err
	}
	result := Result{Bytes: all.n, CRC64: all.crc64, Parts: 1}
	if !confirmed {
		return u.confirm(ctx, func(context.Context) (sum, error) { return all, nil }, result)
	}
	return result, nil
}

// copySum returns the sum of the copy, from the checksum that S3 reported for
// it.
func (c *copier) copySum(ctx context.Context, u upload, stored checksum) (sum, error) {
	if stored.name == "" {
		return c.sourceSum(u)(ctx)
	}
	if want := c.head.sum; want.name == stored.name {
		c.verified = want.name
		if err := checkStoredObject(stored, want); err != nil {
			return sum{}, err
		}
	}
	return sum{crc64: binary.BigEndian.Uint64(stored.value), n: u.size}, nil
}

// sourceFailure returns an error if a copy failed because of its source, else
// nil: S3's answer does not say at which end a condition failed.
func (c *copier) sourceFailure(ctx context.Context, err error) error {
	switch kind := kindOf(err); kind {
	case Archived:
		return c.sourceFault(err)
	case Changed, NotFound, NoBucket:
		if _, err := head(ctx, c.src.Bucket, c.src.Object); err != nil {
			return c.sourceFault(err)
		}
	}
	return nil
}

// copyPart has S3 copy one part.
func (u upload) copyPart(ctx context.Context, id string, number int32, at span) (part, error) {
	c := u.serverSide
	out, err := u.to.Client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id), PartNumber: aws.Int32(number),
		CopySource: c.copySource(), CopySourceIfMatch: optional(c.src.ETag), CopySourceRange: aws.String(at.String()),
		ExpectedBucketOwner: u.to.owner(), ExpectedSourceBucketOwner: c.src.owner(), RequestPayer: u.to.payer(),
	})
	if err != nil {
		return part{}, cmp.Or(c.sourceFailure(ctx, err), err)
	}
	var copied part
	var stored checksum
	if r := out.CopyPartResult; r != nil {
		stored, copied.etag = answerChecksums{crc64: r.ChecksumCRC64NVME}.fullObject(), aws.ToString(r.ETag)
	}
	if stored.name == "" {
		return part{}, &Error{Kind: Refused, Err: errors.New("S3 does not say the checksum of the part that it copied")}
	}
	copied.sum = sum{crc64: binary.BigEndian.Uint64(stored.value), n: at.n}
	report(u.options.Progress, at.n)
	return copied, nil
}

// copySource returns the value of the header that names the source.
func (c *copier) copySource() *string {
	path := c.src.Name + "/" + httpbinding.EscapePath(c.src.Key, false)
	if c.src.VersionID != "" {
		path += "?versionId=" + escape(c.src.VersionID)
	}
	return &path
}

// denial is an operation that was denied, and between which buckets.
type denial struct{ what, from, to string }

// denials remember what was denied, so that it is not requested again for each
// object. The zero value is empty.
type denials struct{ set sync.Map }

func (d *denials) add(one denial)      { d.set.Store(one, nil) }
func (d *denials) has(one denial) bool { _, ok := d.set.Load(one); return ok }

// first adds the denial before it is known, and reports whether it is new: one of
// those who would find out does.
func (d *denials) first(one denial) bool { _, known := d.set.LoadOrStore(one, nil); return !known }
