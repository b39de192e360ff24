package transfer

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What Sweep does at most: the rest is the lifecycle rule's.
const (
	maxUploadPages = 100 // that it looks at: a thousand uploads each
	sweepLimit     = time.Minute
)

// Sweep aborts what is left, below the prefix, of a step that is done: uploads
// that the journal has of its marker and that nobody took up again, and those
// that the journal does not know although the step's session began them: their
// ids were lost. To find the latter, uploads are listed, which not everyone
// may; the former are aborted before. Without a session's name there are only
// those. It tells how many it aborted.
func (j *Journal) Sweep(ctx context.Context, b Bucket, prefix, marker, session string) (aborted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	for id, of := range j.leftBy(prefix, marker) {
		if err := (upload{to: b, key: of.key}).abortOnce(ctx, of.upload); err != nil {
			return aborted, fault("abort", b, of.key, err)
		}
		j.note(line{Do: doOver, ID: id})
		aborted++
	}
	if session == "" {
		return aborted, nil
	}
	in := &s3.ListMultipartUploadsInput{
		Bucket: aws.String(b.Name), Prefix: optional(prefix), EncodingType: types.EncodingTypeUrl,
		ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
	}
	for range maxUploadPages {
		page, err := b.Client.ListMultipartUploads(ctx, in)
		if err != nil {
			return aborted, fault("list", b, prefix, err)
		}
		for _, listed := range page.Uploads {
			key, id := aws.ToString(listed.Key), aws.ToString(listed.UploadId)
			if page.EncodingType == types.EncodingTypeUrl {
				if key, err = url.QueryUnescape(key); err != nil {
					return aborted, fault("list", b, prefix, malformed("listed the key %.100q: %w", key, err))
				}
			}
			began := listed.Initiator != nil && strings.HasSuffix(aws.ToString(listed.Initiator.ID), "/"+session)
			if !began || id == "" || len(id) > maxUpload || len(key) > maxKey || !strings.HasPrefix(key, prefix) || j.knows(b.Name, key, id) {
				continue
			}
			if err := (upload{to: b, key: key}).abortOnce(ctx, id); err != nil {
				return aborted, fault("abort", b, key, err)
			}
			aborted++
		}
		next, nextID := aws.ToString(page.NextKeyMarker), aws.ToString(page.NextUploadIdMarker)
		if !aws.ToBool(page.IsTruncated) {
			return aborted, nil
		}
		if next == aws.ToString(in.KeyMarker) && nextID == aws.ToString(in.UploadIdMarker) {
			return aborted, fault("list", b, prefix, malformed("the listing of uploads is cut but does not go on"))
		}
		in.KeyMarker, in.UploadIdMarker = optional(next), optional(nextID)
	}
	return aborted, nil
}

// leftBy gives the uploads of the marker that an earlier process began below
// the prefix, and this one did not take up.
func (j *Journal) leftBy(prefix, marker string) map[digest128]pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := map[digest128]pending{}
	for id, p := range j.open {
		if p.retract == nil && p.upload != "" && p.marker == marker && p.key != "" && strings.HasPrefix(p.key, prefix) && !j.busy[id] {
			found[id] = *p
		}
	}
	return found
}

// knows tells whether the upload is a transfer's that is noted, or that may be
// about to note it.
func (j *Journal) knows(bucket, key, upload string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range j.open {
		if p.upload == upload || (p.upload == "" && p.bucket == bucket && p.key == key) {
			return true
		}
	}
	return false
}
