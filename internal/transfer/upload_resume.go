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

// id tells the upload from others of the job.
func (u upload) id() journal.Digest {
	return journal.DigestOf("put", u.options.Journal.Label(), u.options.Marker, u.to.Name, u.key)
}

// version tells the upload from one of other bytes, or that makes another
// object of them, or cuts them elsewhere.
func (u upload) version() journal.Digest {
	o := u.options
	return journal.DigestOf(u.from.String(), o.Encryption.Type, o.Encryption.Key, o.StorageClass, o.ACL,
		strconv.FormatBool(u.to.NoChecksums), strconv.FormatInt(u.size, 10), strconv.FormatInt(u.partSize(), 10))
}

// earlier tells whether an earlier try wrote the object. What another process
// says that it wrote must be there, and be the source's bytes as they are now.
func (u upload) earlier(ctx context.Context) (Result, bool) {
	done, ok := u.note.Finished()
	if !ok || done.Bytes != u.size {
		return Result{}, false
	}
	if done.Earlier {
		noted := sum{crc64: done.CRC64, n: done.Bytes}
		known := func(context.Context) (sum, error) { return noted, nil }
		if ours, err := u.done(ctx, known); err != nil || ours == nil {
			return Result{}, false
		}
		if still, err := u.still(ctx, span{0, u.size}, noted); err != nil || !still {
			return Result{}, false
		}
	}
	u.have(u.size)
	return resultOf(done), true
}

// have tells of bytes that an earlier try had moved.
func (u upload) have(n int64) {
	report(u.options.Kept, n)
	report(u.options.Progress, n)
}

// started is an upload that began, with the parts that are there.
type started struct {
	id    string
	parts []types.CompletedPart
	sums  []sum
	kept  atomic.Int64
	ours  *sum // all is there: an earlier try wrote the object
}

func newStarted(id string, spans []span) *started {
	return &started{id: id, parts: make([]types.CompletedPart, len(spans)), sums: make([]sum, len(spans))}
}

// start goes on with the upload that an earlier try left open, or begins one.
func (u upload) start(ctx context.Context, spans []span) (*started, error) {
	before, ok := u.note.Unfinished()
	if !ok || before.Upload == "" {
		return u.anew(ctx, spans)
	}
	at := newStarted(before.Upload, spans)
	err := u.keep(ctx, at, spans, before)
	switch {
	case err == nil:
		u.note.TakeUp(u.retract(at.id))
		u.tags.takenUp(before.Bare)
		return at, nil
	case kindOf(err) == Refused: // parts cannot be listed there, or what the journal names is no upload of the server's
		if err := u.drop(ctx, before.Upload); err != nil {
			return nil, err
		}
	case !gone(err):
		return nil, err
	default:
		// It may have been completed, and only the note of that be missing.
		if ours, err := u.completed(ctx, spans, before); ours != nil || err != nil {
			return &started{ours: ours}, err
		}
		u.note.Over()
	}
	return u.anew(ctx, spans)
}

// anew begins an upload, unless the object is there: its last request would be
// refused for that, when all is sent.
func (u upload) anew(ctx context.Context, spans []span) (*started, error) {
	there, err := u.listed(ctx)
	if err != nil {
		return nil, err
	}
	if there {
		all := u.read
		if u.within != nil {
			all = u.within.sum(u)
		}
		ours, err := u.seen(ctx, all)
		if err != nil {
			return nil, err
		}
		if ours != nil {
			report(u.options.Progress, u.size)
			return &started{ours: ours}, nil
		}
	}
	id, err := u.begin(ctx)
	return newStarted(id, spans), err
}

// renounce drops an upload that an earlier try left open and that this one does
// not go on with: it is of another state of the source, or has parts where S3
// now copies the whole.
func (u upload) renounce(ctx context.Context) error {
	before, ok := u.note.Unfinished()
	if !ok || before.Upload == "" || !before.Stale && u.size >= u.partsFrom() {
		return nil
	}
	return u.drop(ctx, before.Upload)
}

// drop aborts an upload that is of no more use. Whoever may not, or finds that
// the server knows no such id, leaves it.
func (u upload) drop(ctx context.Context, id string) error {
	if err := u.abort(ctx, id); err != nil && kindOf(err) != Denied && kindOf(err) != Refused {
		return err
	}
	u.note.Over()
	return nil
}

// still tells whether the source has the bytes that were noted.
func (u upload) still(ctx context.Context, at span, noted sum) (bool, error) {
	if u.again == nil {
		return true, nil
	}
	now, err := u.again(ctx, at)
	return err == nil && now.n == noted.n && now.crc64 == noted.crc64, err
}

// keep finds the parts that are there: those that the journal and S3 know, as
// the same.
func (u upload) keep(ctx context.Context, at *started, spans []span, before journal.Unfinished) error {
	marker := 0
	for {
		page, err := u.to.Client.ListParts(ctx, &s3.ListPartsInput{
			Bucket: aws.String(u.to.Name), Key: aws.String(u.key), UploadId: aws.String(before.Upload),
			PartNumberMarker: optional(partMarker(marker)), MaxParts: aws.Int32(pageSize),
			ExpectedBucketOwner: u.to.owner(), RequestPayer: u.to.payer(),
		})
		switch {
		case err == nil:
		case kindOf(err) == Denied:
			return nil // who may not list them sends them all again
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
			noted, ok := before.Parts[number]
			if ok && number <= len(spans) && u.same(listed, noted, spans[number-1].n) {
				kept := part{noted.ETag, sum{noted.CRC64, noted.Other, noted.Bytes}}
				at.parts[number-1], at.sums[number-1] = u.completedPart(number, kept), kept.sum
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

// same holds a part that S3 lists against the note of it, which must have all
// that is needed of its sum.
func (u upload) same(listed types.Part, noted journal.Part, n int64) bool {
	needed := 0
	if h := u.want.hash(); h != nil {
		needed = h.Size()
	}
	return aws.ToInt64(listed.Size) == n && noted.Bytes == n && noted.ETag != "" && quoted(aws.ToString(listed.ETag)) == quoted(noted.ETag) &&
		len(noted.Other) == needed &&
		(listed.ChecksumCRC64NVME == nil || *listed.ChecksumCRC64NVME == sum{crc64: noted.CRC64}.encoded())
}

// completed tells whether the upload that is gone became the object, if all
// of its parts had been sent.
func (u upload) completed(ctx context.Context, spans []span, before journal.Unfinished) (*sum, error) {
	sums := make([]sum, len(spans))
	for i, at := range spans {
		noted, ok := before.Parts[i+1]
		if !ok || noted.Bytes != at.n {
			return nil, nil
		}
		sums[i] = sum{crc64: noted.CRC64, n: noted.Bytes}
	}
	ours, err := u.done(ctx, func(context.Context) (sum, error) { return join(checksum{}, sums), nil })
	if kind := kindOf(err); err != nil && (kind == NotFound || kind == Denied) {
		return nil, nil
	}
	if ours != nil {
		if still, err := u.still(ctx, span{0, u.size}, *ours); err != nil || !still {
			return nil, err
		}
		u.have(u.size)
	}
	return ours, err
}

// noted is the part as a journal notes it.
func (p part) noted() journal.Part {
	return journal.Part{ETag: p.etag, Bytes: p.sum.n, CRC64: p.sum.crc64, Other: p.sum.other}
}

// goesOn tells whether another try may go on where the error ended one: the
// source and what is there are as they should be, only not all came through.
func goesOn(err error) bool {
	e := *fault("", Bucket{}, "", err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	switch e.Kind {
	case Canceled, Unavailable, Unreachable, Expired, NoCredentials, BadCredentials, Denied, DiskFailed:
		return awscode.Of(e.Code) != awscode.NoUpload
	default:
		return false
	}
}

// retract is what Retract does with the upload.
func (u upload) retract(id string) func(context.Context) error {
	bare := upload{to: u.to, key: u.key}
	return func(ctx context.Context) error {
		if err := Safely(func() error { return bare.abort(ctx, id) }); err != nil {
			made := *fault("abort", bare.to, bare.key, err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
			made.Upload = id
			return &made
		}
		return nil
	}
}
