package transfer

import (
	"context"
	"strconv"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/journal"
)

// id identifies the upload among those of the job.
func (u upload) id() journal.Digest {
	return journal.DigestOf("put", u.options.Journal.Label(), u.options.Marker, u.to.Name, u.key)
}

// version identifies the bytes, how they are divided, and the settings of the
// object.
func (u upload) version() journal.Digest {
	o := u.options
	return journal.DigestOf(u.from.String(), o.Encryption.Type, o.Encryption.Key, o.StorageClass, o.ACL,
		strconv.FormatBool(u.to.NoChecksums), strconv.FormatInt(u.size, 10), strconv.FormatInt(u.partSize(), 10))
}

// finishedBefore reports whether an earlier attempt wrote the object. If
// another process wrote it, it must exist, and have the bytes that the source
// has now.
func (u upload) finishedBefore(ctx context.Context) (Result, bool) {
	done, ok := u.entry.Finished()
	if !ok || done.Bytes != u.size {
		return Result{}, false
	}
	if done.Earlier {
		noted := sum{crc64: done.CRC64, n: done.Bytes}
		known := func(context.Context) (sum, error) { return noted, nil }
		if existing, err := u.alreadyWritten(ctx, known); err != nil || existing == nil {
			return Result{}, false
		}
		if unchanged, err := u.sourceHas(ctx, span{0, u.size}, noted); err != nil || !unchanged {
			return Result{}, false
		}
	}
	u.reportKept(u.size)
	return resultOf(done), true
}

// reportKept reports bytes that an earlier attempt moved.
func (u upload) reportKept(n int64) {
	report(u.options.Kept, n)
	report(u.options.Progress, n)
}

// openUpload is an upload that has begun, with the parts that are stored.
type openUpload struct {
	id       string
	parts    []types.CompletedPart
	sums     []sum
	kept     atomic.Int64
	existing *sum // not nil: an earlier attempt wrote the whole object
}

func newOpenUpload(id string, spans []span) *openUpload {
	return &openUpload{id: id, parts: make([]types.CompletedPart, len(spans)), sums: make([]sum, len(spans))}
}

// start resumes the upload that an earlier attempt left open, or begins one.
func (u upload) start(ctx context.Context, spans []span) (*openUpload, error) {
	noted, ok := u.entry.Unfinished()
	if !ok || noted.Upload == "" {
		return u.startNew(ctx, spans)
	}
	open := newOpenUpload(noted.Upload, spans)
	err := u.keepParts(ctx, open, spans, noted)
	switch {
	case err == nil:
		u.entry.Resume(u.retract(open.id))
		u.tags.resumed(noted)
		return open, nil
	case kindOf(err) == Refused: // the server cannot list parts, or does not know the id
		if err := u.drop(ctx, noted.Upload); err != nil {
			return nil, err
		}
	case !noUpload(err):
		return nil, err
	default:
		// It may have been completed, without an entry in the journal.
		if existing, err := u.completedBefore(ctx, spans, noted); existing != nil || err != nil {
			return &openUpload{existing: existing}, err
		}
		u.entry.Drop()
	}
	return u.startNew(ctx, spans)
}

// startNew begins an upload, unless the object exists: S3 would refuse the last
// request, after everything was sent.
func (u upload) startNew(ctx context.Context, spans []span) (*openUpload, error) {
	exists, err := u.inListing(ctx)
	if err != nil {
		return nil, err
	}
	if exists {
		all := u.sumSource
		if u.serverSide != nil {
			all = u.serverSide.sourceSum(u)
		}
		existing, err := u.checkExisting(ctx, all)
		if err != nil {
			return nil, err
		}
		if existing != nil {
			report(u.options.Progress, u.size)
			return &openUpload{existing: existing}, nil
		}
	}
	id, err := u.begin(ctx)
	return newOpenUpload(id, spans), err
}

// dropStale drops an upload that an earlier attempt left open and that cannot
// be resumed: the source has changed, or S3 now copies the whole at once.
func (u upload) dropStale(ctx context.Context) error {
	noted, ok := u.entry.Unfinished()
	if !ok || noted.Upload == "" || !noted.Stale && u.size >= u.multipartFrom() {
		return nil
	}
	return u.drop(ctx, noted.Upload)
}

// drop aborts an upload that is of no more use. It leaves the upload if the
// abort is denied or the server does not know the id.
func (u upload) drop(ctx context.Context, id string) error {
	if err := u.abort(ctx, id); err != nil && kindOf(err) != Denied && kindOf(err) != Refused {
		return err
	}
	u.entry.Drop()
	return nil
}

// sourceHas reports whether the source still has the bytes of the sum.
func (u upload) sourceHas(ctx context.Context, at span, noted sum) (bool, error) {
	if u.sumAgain == nil {
		return true, nil
	}
	now, err := u.sumAgain(ctx, at)
	return err == nil && now.n == noted.n && now.crc64 == noted.crc64, err
}

// keepParts adds to open the parts on which the journal and S3 agree.
func (u upload) keepParts(ctx context.Context, open *openUpload, spans []span, left journal.Unfinished) error {
	marker := 0
	for {
		page, err := u.to.Client.ListParts(ctx, &s3.ListPartsInput{
			Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(left.Upload),
			PartNumberMarker: optional(partMarker(marker)), MaxParts: aws.Int32(pageSize),
			ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
		})
		switch {
		case err == nil:
		case kindOf(err) == Denied:
			return nil // without permission to list parts, all are sent again
		default:
			return err
		}
		last := marker
		for _, listed := range page.Parts {
			number := int(aws.ToInt32(listed.PartNumber))
			if number <= last || number > maxParts {
				return malformed("listed the part %d after %d", number, last)
			}
			last = number
			noted, ok := left.Parts[number]
			if ok && number <= len(spans) && u.samePart(listed, noted, spans[number-1].n) {
				kept := part{noted.ETag, sum{noted.CRC64, noted.Other, noted.Bytes}}
				open.parts[number-1], open.sums[number-1] = u.completedPart(number, kept), kept.sum
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		if last == marker {
			return malformed("the listing of parts is cut but does not go on")
		}
		marker = last
	}
}

func partMarker(after int) string {
	if after == 0 {
		return ""
	}
	return strconv.Itoa(after)
}

// samePart reports whether a part that S3 lists is the one in the journal, with
// all that is needed for its sum.
func (u upload) samePart(listed types.Part, noted journal.Part, n int64) bool {
	needed := 0
	if h := u.want.hash(); h != nil {
		needed = h.Size()
	}
	return aws.ToInt64(listed.Size) == n && noted.Bytes == n && noted.ETag != "" && quoted(aws.ToString(listed.ETag)) == quoted(noted.ETag) &&
		len(noted.Other) == needed &&
		(listed.ChecksumCRC64NVME == nil || *listed.ChecksumCRC64NVME == sum{crc64: noted.CRC64}.encoded())
}

// completedBefore returns the object's sum if the upload that is gone has
// become the object, else nil. All of its parts must have been sent.
func (u upload) completedBefore(ctx context.Context, spans []span, left journal.Unfinished) (*sum, error) {
	sums := make([]sum, len(spans))
	for i, at := range spans {
		noted, ok := left.Parts[i+1]
		if !ok || noted.Bytes != at.n {
			return nil, nil
		}
		sums[i] = sum{crc64: noted.CRC64, n: noted.Bytes}
	}
	existing, err := u.alreadyWritten(ctx, func(context.Context) (sum, error) { return join(checksum{}, sums), nil })
	if kind := kindOf(err); err != nil && (kind == NotFound || kind == Denied) {
		return nil, nil
	}
	if existing != nil {
		if unchanged, err := u.sourceHas(ctx, span{0, u.size}, *existing); err != nil || !unchanged {
			return nil, err
		}
		u.reportKept(u.size)
	}
	return existing, err
}

// journalPart returns the part as the journal records it.
func (p part) journalPart() journal.Part {
	return journal.Part{ETag: p.etag, Bytes: p.sum.n, CRC64: p.sum.crc64, Other: p.sum.other}
}

// resumable reports whether another attempt may continue where this error ended
// one: the source and what is stored are in order, but not everything arrived.
func resumable(err error) bool {
	e := fault("", Bucket{}, "", err)
	switch e.Kind {
	case Canceled, Unavailable, Unreachable, Stalled, Expired, NoCredentials, BadCredentials, Denied, DiskFailed:
		return awscode.Of(e.Code) != awscode.NoUpload
	default:
		return false
	}
}

// retract returns the function by which the journal aborts the upload.
func (u upload) retract(id string) func(context.Context) error {
	bare := upload{to: u.to, key: u.key}
	return func(ctx context.Context) error {
		if err := Safely(func() error { return bare.abort(ctx, id) }); err != nil {
			e := fault("abort", bare.to, bare.key, err)
			e.Upload = id
			return e
		}
		return nil
	}
}
