package transfer

import (
	"context"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/journal"
)

// The limits of Sweep. The rest is for the lifecycle rule.
const (
	maxUploadPages = 100 // of a thousand uploads
	sweepLimit     = time.Minute
)

// SweepOptions say which uploads Sweep aborts.
type SweepOptions struct {
	Journal *journal.Journal
	Prefix  string // of their keys
	Marker  string // of the finished step
	Session string // name of the role session that began them; empty: only those in the Journal
}

// Sweep aborts the uploads that a finished step left: those of its Marker in
// the Journal that no attempt resumed, and those that its Session began but the
// Journal does not know, because their ids were lost. To find the latter it
// lists uploads, which may be denied; the former are aborted before. It returns
// how many it aborted.
func Sweep(ctx context.Context, b Bucket, options SweepOptions) (aborted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	abort := func(key, id string) error {
		if err := (upload{to: b, key: key}).abortOnce(ctx, id); err != nil {
			return fault("abort", b, key, err)
		}
		aborted++
		return nil
	}
	if err := options.Journal.Sweep(options.Prefix, options.Marker, abort); err != nil || options.Session == "" {
		return aborted, err
	}
	for u, err := range listUploads(ctx, b, options.Prefix) {
		if err != nil {
			return aborted, fault("list", b, options.Prefix, err)
		}
		if !strings.HasSuffix(u.initiator, "/"+options.Session) || options.Journal.Knows(b.Name, u.key, u.id) {
			continue
		}
		if err := abort(u.key, u.id); err != nil {
			return aborted, err
		}
	}
	return aborted, nil
}

// listedUpload is an upload in a bucket's listing.
type listedUpload struct{ key, id, initiator string }

// listUploads returns the bucket's uploads below the prefix, from
// maxUploadPages pages at most. An error ends the sequence.
func listUploads(ctx context.Context, b Bucket, prefix string) iter.Seq2[listedUpload, error] {
	return func(yield func(listedUpload, error) bool) {
		in := &s3.ListMultipartUploadsInput{
			Bucket: aws.String(b.Name), Prefix: optional(prefix), EncodingType: types.EncodingTypeUrl, MaxUploads: aws.Int32(pageSize),
			ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
		}
		for range maxUploadPages {
			page, err := b.Client.ListMultipartUploads(ctx, in)
			if err != nil {
				yield(listedUpload{}, err)
				return
			}
			for _, listed := range page.Uploads {
				u, err := parseUpload(listed, page.EncodingType)
				if err == nil && (u.id == "" || len(u.id) > maxUpload || len(u.key) > maxKey || !strings.HasPrefix(u.key, prefix)) {
					continue
				}
				if !yield(u, err) || err != nil {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			next, nextID := aws.ToString(page.NextKeyMarker), aws.ToString(page.NextUploadIdMarker)
			if next == aws.ToString(in.KeyMarker) && nextID == aws.ToString(in.UploadIdMarker) {
				yield(listedUpload{}, malformed("the listing of uploads is cut but does not go on"))
				return
			}
			in.KeyMarker, in.UploadIdMarker = optional(next), optional(nextID)
		}
	}
}

func parseUpload(listed types.MultipartUpload, encoding types.EncodingType) (listedUpload, error) {
	u := listedUpload{key: aws.ToString(listed.Key), id: aws.ToString(listed.UploadId)}
	if listed.Initiator != nil {
		u.initiator = aws.ToString(listed.Initiator.ID)
	}
	if encoding != types.EncodingTypeUrl {
		return u, nil
	}
	key, err := url.QueryUnescape(u.key)
	if err != nil {
		return u, malformed("listed the key %.100q: %w", u.key, err)
	}
	u.key = key
	return u, nil
}
