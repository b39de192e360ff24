package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// List gives the bucket's objects whose keys begin with the prefix, in S3's
// order. An error is the last thing it gives.
func List(ctx context.Context, b Bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var token *string
		for {
			page, err := b.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
				Bucket: aws.String(b.Name), Prefix: optional(prefix), ContinuationToken: token,
				// XML cannot hold every character that a key can.
				EncodingType: types.EncodingTypeUrl, ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
			})
			if err != nil {
				yield(Object{}, fault("list", b, prefix, err))
				return
			}
			for _, entry := range page.Contents {
				o, err := listed(entry, page.EncodingType, prefix)
				if err != nil {
					yield(Object{}, fault("list", b, prefix, &Error{Kind: Corrupt, Err: err}))
					return
				}
				if !yield(o, nil) {
					return
				}
			}
			next := page.NextContinuationToken
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			if next == nil || aws.ToString(next) == aws.ToString(token) {
				yield(Object{}, fault("list", b, prefix, &Error{Kind: Corrupt, Err: errors.New("the listing is cut but does not go on")}))
				return
			}
			token = next
		}
	}
}

func listed(entry types.Object, encoding types.EncodingType, prefix string) (Object, error) {
	key := aws.ToString(entry.Key)
	if encoding == types.EncodingTypeUrl {
		decoded, err := url.QueryUnescape(key)
		if err != nil {
			return Object{}, fmt.Errorf("listed the key %q: %w", key, err)
		}
		key = decoded
	}
	if key == "" || !strings.HasPrefix(key, prefix) {
		return Object{}, fmt.Errorf("listed the key %q, which is not below the prefix", key)
	}
	return Object{
		Key: key, Size: aws.ToInt64(entry.Size), ETag: aws.ToString(entry.ETag),
		Modified: aws.ToTime(entry.LastModified), StorageClass: string(entry.StorageClass),
	}, nil
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
	return header{
		Object: Object{
			Key: o.Key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), VersionID: o.VersionID,
			Modified: aws.ToTime(out.LastModified), StorageClass: string(out.StorageClass),
		},
		marker: out.Metadata[markerName],
		sum: offered{
			out.ChecksumCRC64NVME, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumSHA256, out.ChecksumSHA1, out.ChecksumType,
		}.whole(),
	}, nil
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
	var api smithy.APIError
	if errors.As(told, &api) && api.ErrorCode() == "InvalidRange" {
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
