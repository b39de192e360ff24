package transfer

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// S3 moves 85 to 90 MB/s within one request, and requests side by side: a part
// is large enough that what a request costs besides does not count, and so
// small that none seems to stall.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
const (
	copiedPart    = 32 * mib
	copiedInParts = 2 * copiedPart // objects of this size and more are copied in parts
)

// within has S3 copy the object. What the copy is to carry is said anew, since
// the source's marker must not come along: so HEAD is asked before.
func (c *copying) within(ctx context.Context) (Result, error) {
	if err := c.tell(ctx); err != nil {
		return Result{}, c.blame(err)
	}
	to := c.to
	to.Client = c.options.Both
	to.RequesterPays = to.RequesterPays || c.src.RequesterPays // one header says it for both
	u := upload{
		to: to, key: c.key, size: c.src.Size, options: c.options, within: c, from: c.src.version(), tags: &c.tags,
		open:    (&relay{src: c.src}).open, // for what must be read after all
		carried: func() (http.Header, error) { return c.carried(ctx, c.told.http) },
		ready:   c.matches,
	}
	return u.run(ctx)
}

// matches holds the sum of parts that S3 copied against the source's, if that
// is of the one function that S3 sums copies with.
func (c *copying) matches(all sum) error {
	want := c.told.sum
	if want.name != "CRC64NVME" {
		return nil
	}
	if !all.matches(want) {
		return mismatched("the parts that S3 copied have", want, all.as(want.name), false)
	}
	c.verified = want.name
	return nil
}

// sum gives that of the source, which is read if S3 does not tell it.
func (c *copying) sum(u upload) func(context.Context) (sum, error) {
	return func(ctx context.Context) (sum, error) {
		if told := c.told.sum; told.name == "CRC64NVME" {
			return sum{crc64: binary.BigEndian.Uint64(told.value), n: u.size}, nil
		}
		return u.read(ctx)
	}
}

// tell asks HEAD for the source, if that was not done.
func (c *copying) tell(ctx context.Context) error {
	if c.told.http != nil {
		return nil
	}
	told, err := head(ctx, c.src.Bucket, c.src.Object)
	if err != nil {
		return err
	}
	if told.Size != c.src.Size {
		return &Error{Kind: Changed, Err: fmt.Errorf("it has %d bytes, not %d", told.Size, c.src.Size)}
	}
	c.told = told
	return nil
}

// copyWhole has S3 copy the object with one request.
func (u upload) copyWhole(ctx context.Context) (Result, error) {
	c := u.within
	// Servers other than AWS's may know the condition of PutObject, but not of
	// CopyObject.
	u.to.LookFirst = u.to.LookFirst || u.to.Client.Options().BaseEndpoint != nil
	if ours, err := u.look(ctx, c.sum(u)); ours != nil || err != nil {
		return u.result(ours, 1), err
	}
	properties, err := u.properties()
	if err != nil {
		return Result{}, err
	}
	out, err := u.to.Client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), IfNoneMatch: u.condition(),
		CopySource: c.path(), CopySourceIfMatch: optional(c.src.ETag),
		MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace,
		ServerSideEncryption: types.ServerSideEncryption(u.options.Encryption.Type), SSEKMSKeyId: optional(u.options.Encryption.Key),
		StorageClass: types.StorageClass(u.options.StorageClass), ACL: types.ObjectCannedACL(u.options.ACL),
		ChecksumAlgorithm:   types.ChecksumAlgorithmCrc64nvme,
		ExpectedBucketOwner: u.to.owner(), ExpectedSourceBucketOwner: c.src.owner(), RequestPayer: u.to.payer(),
	}, carrying(properties))
	if err != nil {
		if theirs := c.atSource(ctx, err); theirs != nil {
			return Result{}, theirs
		}
		return u.settle(ctx, c.sum(u), 1, err)
	}
	var has checksum
	if r := out.CopyObjectResult; r != nil {
		has = offered{crc64: r.ChecksumCRC64NVME, kind: r.ChecksumType}.whole()
	}
	all, err := c.sum64(ctx, u, has)
	if err != nil {
		return Result{}, err
	}
	return Result{Bytes: all.n, CRC64: all.crc64, Parts: 1}, nil
}

// sum64 gives the sum of the copy that S3 gave the checksum of.
func (c *copying) sum64(ctx context.Context, u upload, has checksum) (sum, error) {
	if has.name == "" {
		return c.sum(u)(ctx)
	}
	if want := c.told.sum; want.name == has.name {
		c.verified = want.name
		if err := lasting(has, want); err != nil {
			return sum{}, err
		}
	}
	return sum{crc64: binary.BigEndian.Uint64(has.value), n: u.size}, nil
}

// atSource finds out whether a copy failed because of its source: S3 tells a
// condition of the one end that does not hold as it tells that of the other.
func (c *copying) atSource(ctx context.Context, err error) error {
	switch kind := kindOf(err); kind {
	case Archived:
		return c.blame(err)
	case Changed, NotFound, NoBucket:
		if _, err := head(ctx, c.src.Bucket, c.src.Object); err != nil {
			return c.blame(err)
		}
	}
	return nil
}

// copyPart has S3 copy a part.
func (u upload) copyPart(ctx context.Context, id string, number int32, at span) (part, error) {
	c := u.within
	out, err := u.to.Client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(id), PartNumber: aws.Int32(number),
		CopySource: c.path(), CopySourceIfMatch: optional(c.src.ETag), CopySourceRange: aws.String(at.String()),
		ExpectedBucketOwner: u.to.owner(), ExpectedSourceBucketOwner: c.src.owner(), RequestPayer: u.to.payer(),
	})
	if err != nil {
		return part{}, cmp.Or(c.atSource(ctx, err), err)
	}
	var there part
	var has checksum
	if r := out.CopyPartResult; r != nil {
		has, there.etag = offered{crc64: r.ChecksumCRC64NVME}.whole(), aws.ToString(r.ETag)
	}
	if has.name == "" {
		return part{}, &Error{Kind: Refused, Err: errors.New("S3 does not say the checksum of the part that it copied")}
	}
	there.sum = sum{crc64: binary.BigEndian.Uint64(has.value), n: at.n}
	report(u.options.Progress, at.n)
	return there, nil
}

// path is the source as a header names it.
func (c *copying) path() *string {
	path := c.src.Name + "/" + httpbinding.EscapePath(c.src.Key, false)
	if c.src.VersionID != "" {
		path += "?versionId=" + escape(c.src.VersionID)
	}
	return &path
}

// denial is what was refused once, between which buckets.
type denial struct{ what, from, to string }

// denials are kept so that not each object asks for the same again. The zero
// value has none.
type denials struct{ of sync.Map }

func (d *denials) add(one denial)      { d.of.Store(one, nil) }
func (d *denials) has(one denial) bool { _, ok := d.of.Load(one); return ok }
