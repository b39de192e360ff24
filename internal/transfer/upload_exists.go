package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// alreadyThere returns the result for bytes that were stored already.
func (u upload) alreadyThere(there *sum, parts int) Result {
	if there == nil {
		return Result{}
	}
	return Result{Bytes: there.n, CRC64: there.crc64, Parts: parts, Already: true}
}

// lookFirst looks for the object before it is written, if the server may ignore
// If-None-Match.
func (u upload) lookFirst(ctx context.Context, all func(context.Context) (sum, error)) (existing *sum, err error) {
	if !u.to.LookFirst {
		return nil, nil
	}
	return u.checkExisting(ctx, all)
}

// checkExisting looks for the object that must not be overwritten. If it exists
// with the bytes to be written, it returns their sum; with others it returns an
// error. An object that may not be read is left to If-None-Match.
func (u upload) checkExisting(ctx context.Context, all func(context.Context) (sum, error)) (existing *sum, err error) {
	if u.options.Overwrite {
		return nil, nil
	}
	h, err := head(ctx, u.to, Object{Key: u.key})
	switch kind := kindOf(err); {
	case err == nil:
	case kind == NotFound, kind == Denied:
		return nil, nil
	default:
		return nil, err
	}
	if existing, err = u.isOurs(ctx, h, all); existing == nil && err == nil {
		err = &Error{Kind: Exists, Err: errors.New("it is there already")}
	}
	return existing, err
}

// inListing reports whether a listing shows the object. It does not use HEAD:
// for those who may list only below a prefix, S3 denies HEAD of a missing key,
// which the bucket's owner would see in the logs.
func (u upload) inListing(ctx context.Context) (bool, error) {
	switch {
	case u.options.Overwrite:
		return false, nil
	case u.to.LookFirst: // HEAD is used
		return true, nil
	}
	to := u.to
	if u.serverSide != nil { // its client may be allowed to copy only
		to = u.serverSide.to
	}
	listing := denial{"list", "", to.Name}
	if to.Client.denied.has(listing) {
		return false, nil
	}
	l := lister{bucket: to, prefix: u.key, size: 1} // the key would be the first
	first, err := l.page(ctx)
	if err == nil {
		return len(first) > 0 && first[0].Key == u.key, nil
	}
	if err = fault("list", to, u.key, err); resumable(err) && KindOf(err) != Denied {
		return false, err
	}
	to.Client.denied.add(listing)
	return false, nil
}

// explainFailure handles the failure of the last request. A refusal because the
// object exists, or because the upload is gone, may mean that an earlier
// attempt succeeded and its answer was lost, or that the same task ran before.
// Then the upload is done.
func (u upload) explainFailure(ctx context.Context, all func(context.Context) (sum, error), parts int, err error) (Result, error) {
	var own *Error // of the source, or of the file
	var answer *smithyhttp.ResponseError
	if errors.As(err, &own) || !errors.As(err, &answer) {
		return Result{}, err
	}
	e := fault("", u.to, u.key, err)
	refused := answer.HTTPStatusCode() == http.StatusPreconditionFailed
	vanished := answer.HTTPStatusCode() == http.StatusNotFound && parts > 1 && e.Kind != NoBucket
	if !refused && !vanished {
		return Result{}, err
	}
	existing, headErr := u.alreadyWritten(ctx, all)
	switch {
	case existing != nil:
		return u.alreadyThere(existing, parts), nil
	case refused && (headErr == nil || kindOf(headErr) == Denied):
		e.Kind = Exists
	default: // another attempt finds out
		e.Kind = Unavailable
	}
	return Result{}, e
}

// alreadyWritten returns the object's sum if it exists with the bytes to be
// written, else nil.
func (u upload) alreadyWritten(ctx context.Context, all func(context.Context) (sum, error)) (*sum, error) {
	h, err := head(ctx, u.to, Object{Key: u.key})
	if err != nil {
		return nil, err
	}
	return u.isOurs(ctx, h, all)
}

// isOurs returns the sum of the bytes if the object that exists is the one to be
// written, else nil: if it has the same size and bytes. S3's checksum of the
// whole object shows that, whoever wrote it. Without one, the object counts only
// if it has the marker, which the same task has given it.
func (u upload) isOurs(ctx context.Context, h headResult, all func(context.Context) (sum, error)) (*sum, error) {
	marked := u.options.Marker != "" && h.marker == u.options.Marker
	if h.Size != u.size || h.sum.name == "" && !marked {
		return nil, nil
	}
	wanted, err := all(ctx)
	if err != nil {
		return nil, err
	}
	equal := h.sum.name == "CRC64NVME" && wanted.matches(h.sum)
	if h.sum.name != "CRC64NVME" {
		// Without this checksum the object has to be read.
		present := source{u.to, h.Object}.stream(ctx, span{0, h.Size}, checksum{})
		if err := present.copyTo(io.Discard, u.to.Client.wire.limits); err != nil {
			return nil, err
		}
		equal = present.crc64 == wanted.crc64
	}
	if !equal {
		return nil, nil
	}
	return &wanted, nil
}
