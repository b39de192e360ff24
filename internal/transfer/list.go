package transfer

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// Bounds on what a server may say of objects. Keys are S3's own; no ETag of
// a server that is known comes near its bound.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const (
	maxKey     = 1024
	maxETag    = 256
	maxUpload  = 1 << 10 // bytes of an upload's id, as a journal notes it
	emptyPages = 1000    // in a row
	pageSize   = 1000    // is asked for: some servers give ten times as much to who does not say
)

// List gives the bucket's objects whose keys begin with the prefix, in the
// order of their keys. An error is the last thing it gives. A listing that
// does not come nearer to its end is one; how many objects there are is
// bounded by the caller only.
func List(ctx context.Context, b Bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		l := lister{bucket: b, prefix: prefix, size: pageSize}
		for more := true; more; {
			objects, err := l.page(ctx)
			if err != nil {
				yield(Object{}, fault("list", b, prefix, err))
				return
			}
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
			}
			more = l.token != nil
		}
	}
}

// lister is how far a listing has come.
type lister struct {
	bucket Bucket
	prefix string
	size   int32   // of a page
	token  *string // of the next page; nil: of the first, or there is none
	last   string  // key
	empty  int     // pages since
}

// page gives the next page's objects.
func (l *lister) page(ctx context.Context) ([]Object, error) {
	page, err := l.bucket.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: aws.String(l.bucket.Name), Prefix: optional(l.prefix), ContinuationToken: l.token, MaxKeys: aws.Int32(l.size),
		// XML cannot hold every character that a key can.
		EncodingType: types.EncodingTypeUrl, ExpectedBucketOwner: l.bucket.owner(), RequestPayer: l.bucket.payer(),
	})
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, entry := range page.Contents {
		o, err := listed(entry, page.EncodingType, l.prefix)
		if err == nil && o.Key <= l.last {
			err = malformed("listed the key %.100q after %.100q", o.Key, l.last)
		}
		if err != nil {
			return nil, err
		}
		objects, l.last = append(objects, o), o.Key
	}
	if l.empty++; len(objects) > 0 {
		l.empty = 0
	}
	next := page.NextContinuationToken
	switch {
	case !aws.ToBool(page.IsTruncated):
		next = nil
	case next == nil || aws.ToString(next) == aws.ToString(l.token), l.empty == emptyPages:
		return nil, malformed("the listing is cut but does not go on")
	}
	l.token = next
	return objects, nil
}

func listed(entry types.Object, encoding types.EncodingType, prefix string) (Object, error) {
	key := aws.ToString(entry.Key)
	if encoding == types.EncodingTypeUrl {
		decoded, err := url.QueryUnescape(key)
		if err != nil {
			return Object{}, malformed("listed the key %.100q: %w", key, err)
		}
		key = decoded
	}
	o := Object{
		Key: key, Size: aws.ToInt64(entry.Size), ETag: aws.ToString(entry.ETag),
		Modified: aws.ToTime(entry.LastModified), StorageClass: string(entry.StorageClass),
	}
	if key == "" || !strings.HasPrefix(key, prefix) {
		return Object{}, malformed("listed the key %.100q, which is not below the prefix", key)
	}
	return o, o.check()
}

// check refuses what no object of S3's has.
func (o Object) check() error {
	if o.Size < 0 || len(o.Key) > maxKey || len(o.ETag) > maxETag || len(o.StorageClass) > maxETag {
		return malformed("the object %.100q is given with %d bytes, a key of %d, an ETag of %d", o.Key, o.Size, len(o.Key), len(o.ETag))
	}
	return nil
}

// quoted is an ETag with its quotes, which some servers leave out at times.
func quoted(tag string) string {
	if tag == "" || strings.Contains(tag, `"`) {
		return tag
	}
	return `"` + tag + `"`
}

func malformed(format string, values ...any) error {
	return &Error{Kind: Malformed, Err: fmt.Errorf(format, values...)}
}

// Head asks for one object.
func Head(ctx context.Context, b Bucket, key string) (Object, error) {
	h, err := head(ctx, b, Object{Key: key})
	if err != nil {
		return Object{}, fault("head", b, key, err)
	}
	return h.Object, nil
}

// header is what HEAD tells besides.
type header struct {
	Object
	marker string
	sum    checksum
	http   http.Header // as it came
}

func head(ctx context.Context, b Bucket, o Object) (header, error) {
	in := &s3.HeadObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String(o.Key), VersionId: optional(o.VersionID), IfMatch: optional(o.ETag),
		ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	}
	if !b.NoChecksums {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	out, err := b.Client.HeadObject(ctx, in)
	if err != nil {
		if err := explain(ctx, b, o, err); err != nil {
			return header{}, err
		}
		if out, err = b.Client.HeadObject(ctx, in); err != nil {
			return header{}, err
		}
	}
	var told http.Header
	if answer, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		told = answer.Header
	}
	found := Object{
		Key: o.Key, Size: aws.ToInt64(out.ContentLength), ETag: quoted(aws.ToString(out.ETag)), VersionID: o.VersionID,
		Modified: aws.ToTime(out.LastModified), StorageClass: string(out.StorageClass),
	}
	return header{
		Object: found,
		http:   told,
		marker: out.Metadata[markerName],
		sum: offered{
			out.ChecksumCRC64NVME, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumSHA256, out.ChecksumSHA1, out.ChecksumType,
		}.whole(),
	}, found.check()
}

// explain finds the reason of a failed HEAD, whose answer has no body to say
// it in, by asking for a byte of the object. It is nil if that works: S3 says
// even "expired" as a bare 400, and GET has had the credentials renewed.
func explain(ctx context.Context, b Bucket, o Object, err error) error {
	if kind := kindOf(err); kind != Denied && kind != Refused && kind != WrongRegion {
		return err
	}
	out, told := b.Client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String(o.Key), VersionId: optional(o.VersionID), IfMatch: optional(o.ETag),
		Range: aws.String("bytes=0-0"), ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	})
	if meaningOf(told) == awscode.NoRange {
		return nil // an empty object has no first byte
	}
	if told != nil {
		return told
	}
	out.Body.Close()
	return nil
}

// Tag replaces the object's tags.
func Tag(ctx context.Context, b Bucket, key string, tags map[string]string) error {
	in := &s3.PutObjectTaggingInput{
		Bucket: aws.String(b.Name), Key: aws.String(key), Tagging: &types.Tagging{TagSet: []types.Tag{}},
		ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	}
	for name, value := range tags {
		in.Tagging.TagSet = append(in.Tagging.TagSet, types.Tag{Key: aws.String(name), Value: aws.String(value)})
	}
	slices.SortFunc(in.Tagging.TagSet, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	if _, err := b.Client.PutObjectTagging(ctx, in); err != nil {
		return fault("tag", b, key, err)
	}
	return nil
}
