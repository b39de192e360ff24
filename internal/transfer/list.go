package transfer

import (
	"context"
	"errors"
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

// Limits for objects in a server's answers. That of keys is S3's own; no known
// server's ETags come near theirs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const (
	maxKey     = 1024
	maxETag    = 256
	maxUpload  = 1 << 10 // bytes of an upload's id that a journal can record
	emptyPages = 1000    // in a row
	pageSize   = 1000    // requested, since some servers' default is ten times as much
)

// List returns the bucket's objects whose keys begin with the prefix, in the
// order of their keys. An error ends the sequence. A listing that makes no
// progress is an error; the number of objects is for the caller to limit.
func List(ctx context.Context, b Bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		l := lister{bucket: b, prefix: prefix, size: pageSize}
		for more := true; more; more = l.token != nil {
			if !l.yieldPage(ctx, yield) {
				return
			}
		}
	}
}

// ErrUnordered is the cause of an error about a listing that is not in the order of
// the bytes of its keys, each once, in which S3 lists. Without it nobody could tell in little
// memory whether a listing comes to its end and names no key twice.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
var ErrUnordered = errors.New("a listing is not in the order of keys, each once")

// ListFirst returns the first object whose key begins with the prefix, and
// whether there is one. It is the object with that key, if there is that.
func ListFirst(ctx context.Context, b Bucket, prefix string) (Object, bool, error) {
	l := lister{bucket: b, prefix: prefix, size: 1}
	for more := true; more; more = l.token != nil {
		objects, err := l.page(ctx)
		if err != nil {
			return Object{}, false, fault("list", b, prefix, err)
		}
		if len(objects) > 0 {
			return objects[0], true, nil
		}
	}
	return Object{}, false, nil
}

// yieldPage yields the objects of the next page, and reports whether to go on.
// While it is read and yielded, a page takes room of the limits.
func (l *lister) yieldPage(ctx context.Context, yield func(Object, error) bool) bool {
	room, taken := l.bucket.Client.wire.limits.pages, int64(pageCost)
	if err := room.Acquire(ctx, taken); err != nil {
		yield(Object{}, fault("list", l.bucket, l.prefix, err))
		return false
	}
	defer func() { room.Release(taken) }()
	objects, err := l.page(context.WithValue(ctx, pageRoom{}, true))
	if err != nil {
		yield(Object{}, fault("list", l.bucket, l.prefix, err))
		return false
	}
	held := int64(0)
	for _, o := range objects {
		held += o.Held()
	}
	if held < taken {
		room.Release(taken - held)
		taken = held
	}
	for _, o := range objects {
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

// objectCost is what an Object takes in a list that grows, without its strings.
const objectCost = 256

// Held returns about how many bytes the object takes where it is held.
func (o Object) Held() int64 {
	return objectCost + int64(len(o.Key)+len(o.ETag)+len(o.StorageClass)+len(o.VersionID))
}

// lister is the state of a listing.
type lister struct {
	bucket Bucket
	prefix string
	size   int32   // of a page
	token  *string // of the next page; nil: it is the first, or there is none
	last   string  // key
	empty  int     // pages since then
}

// page returns the objects of the next page.
func (l *lister) page(ctx context.Context) ([]Object, error) {
	page, err := l.bucket.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: aws.String(l.bucket.Name), Prefix: optional(l.prefix), ContinuationToken: l.token, MaxKeys: aws.Int32(l.size),
		// XML cannot hold every character that a key can.
		EncodingType: types.EncodingTypeUrl, ExpectedBucketOwner: l.bucket.owner(), RequestPayer: l.bucket.payer(),
	})
	if err != nil {
		return nil, err
	}
	if page.IsTruncated == nil && page.Name == nil && len(page.Contents) == 0 {
		return nil, malformed("the answer is no listing") // the AWS SDK takes any root element, and none, for an empty one
	}
	var objects []Object
	for _, entry := range page.Contents {
		o, err := parseEntry(entry, page.EncodingType, l.prefix)
		switch {
		case err != nil:
		case o.Key == l.last:
			err = malformed("%w: listed the key %.100q twice", ErrUnordered, o.Key)
		case o.Key < l.last:
			err = malformed("%w: listed the key %.100q after %.100q", ErrUnordered, o.Key, l.last)
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

func parseEntry(entry types.Object, encoding types.EncodingType, prefix string) (Object, error) {
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

// check returns an error if the object cannot be one of S3's.
func (o Object) check() error {
	if o.Size < 0 || len(o.Key) > maxKey || len(o.ETag) > maxETag || len(o.StorageClass) > maxETag {
		return malformed("the object %.100q is given with %d bytes, a key of %d, an ETag of %d", o.Key, o.Size, len(o.Key), len(o.ETag))
	}
	if strings.ContainsFunc(o.ETag, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return malformed("the object %.100q has the ETag %.100q, which no header can have", o.Key, o.ETag)
	}
	return nil
}

// quoted returns the ETag in quotes, which some servers leave out at times.
func quoted(tag string) string {
	if tag == "" || strings.Contains(tag, `"`) {
		return tag
	}
	return `"` + tag + `"`
}

func malformed(format string, values ...any) error {
	return &Error{Kind: Malformed, Err: fmt.Errorf(format, values...)}
}

// Head returns one object, by its key.
func Head(ctx context.Context, b Bucket, key string) (Object, error) {
	h, err := head(ctx, b, Object{Key: key})
	if err != nil {
		return Object{}, fault("head", b, key, err)
	}
	return h.Object, nil
}

// headResult is the answer to HEAD.
type headResult struct {
	Object
	marker string
	sum    checksum
	http   http.Header // unchanged
}

func head(ctx context.Context, b Bucket, o Object) (headResult, error) {
	in := &s3.HeadObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String(o.Key), VersionId: optional(o.VersionID), IfMatch: optional(o.ETag),
		ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	}
	if !b.NoChecksums {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	out, err := b.Client.HeadObject(ctx, in)
	if err != nil {
		if err := explainHead(ctx, b, o, err); err != nil {
			return headResult{}, err
		}
		if out, err = b.Client.HeadObject(ctx, in); err != nil {
			return headResult{}, err
		}
	}
	var raw http.Header
	if answer, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		raw = answer.Header
	}
	found := Object{
		Key: o.Key, Size: aws.ToInt64(out.ContentLength), ETag: quoted(aws.ToString(out.ETag)), VersionID: o.VersionID,
		Modified: aws.ToTime(out.LastModified), StorageClass: string(out.StorageClass),
	}
	return headResult{
		Object: found,
		http:   raw,
		marker: out.Metadata[markerName],
		sum: answerChecksums{
			out.ChecksumCRC64NVME, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumSHA256, out.ChecksumSHA1, out.ChecksumType,
		}.fullObject(),
	}, found.check()
}

// explainHead returns the reason of a failed HEAD, whose answer has no body, by
// requesting one byte of the object. It returns nil if that succeeds: S3
// answers HEAD with a bare 400 even for expired credentials, and by then GET
// has renewed them.
func explainHead(ctx context.Context, b Bucket, o Object, err error) error {
	if kind := kindOf(err); kind != Denied && kind != Refused && kind != WrongRegion {
		return err
	}
	out, getErr := b.Client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String(o.Key), VersionId: optional(o.VersionID), IfMatch: optional(o.ETag),
		Range: aws.String("bytes=0-0"), ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	})
	if meaningOf(getErr) == awscode.NoRange {
		return nil // an empty object has no first byte
	}
	if getErr != nil {
		return getErr
	}
	out.Body.Close()
	return nil
}

// Tag replaces all tags of the object.
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
