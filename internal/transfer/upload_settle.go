package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// result is what is given back of bytes that were at S3 already.
func (u upload) result(there *sum, parts int) Result {
	if there == nil {
		return Result{}
	}
	return Result{Bytes: there.n, CRC64: there.crc64, Parts: parts, Already: true}
}

// look asks for the object before it is written, where the server may ignore
// the condition that it must not be there.
func (u upload) look(ctx context.Context, all func(context.Context) (sum, error)) (ours *sum, err error) {
	if !u.to.LookFirst {
		return nil, nil
	}
	return u.seen(ctx, all)
}

// seen asks for the object that is not to be overwritten. If it is there, and
// ours, it gives the sum. What may not be seen is left to the condition.
func (u upload) seen(ctx context.Context, all func(context.Context) (sum, error)) (ours *sum, err error) {
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
	if ours, err = u.is(ctx, h, all); ours == nil && err == nil {
		err = &Error{Kind: Exists, Err: errors.New("it is there already")}
	}
	return ours, err
}

// listed tells whether the object is there, as far as a listing says so. Whoever
// may list below a prefix only has HEAD of a key that is missing refused, which
// is for the bucket's owner to see.
func (u upload) listed(ctx context.Context) (bool, error) {
	switch {
	case u.options.Overwrite:
		return false, nil
	case u.to.LookFirst: // HEAD tells
		return true, nil
	}
	to := u.to
	if u.within != nil { // its client may do no more than copy
		to = u.within.to
	}
	listing := denial{"list", "", to.Name}
	if to.Client.denied.has(listing) {
		return false, nil
	}
	l := lister{bucket: to, prefix: u.key, size: 1} // it would be the first
	first, err := l.page(ctx)
	if err == nil {
		return len(first) > 0 && first[0].Key == u.key, nil
	}
	if err = fault("list", to, u.key, err); goesOn(err) && KindOf(err) != Denied {
		return false, err
	}
	to.Client.denied.add(listing)
	return false, nil
}

// settle judges the failure of the last request. Refused because the object
// exists, or because the upload is gone, may mean that an earlier attempt
// succeeded and its answer was lost, or that the same task ran before: then it
// is done.
func (u upload) settle(ctx context.Context, all func(context.Context) (sum, error), parts int, err error) (Result, error) {
	var own *Error // of the source, or of the file
	var answer *smithyhttp.ResponseError
	if errors.As(err, &own) || !errors.As(err, &answer) {
		return Result{}, err
	}
	made := fault("", u.to, u.key, err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	refused := answer.HTTPStatusCode() == http.StatusPreconditionFailed
	gone := answer.HTTPStatusCode() == http.StatusNotFound && parts > 1 && made.Kind != NoBucket
	if !refused && !gone {
		return Result{}, err
	}
	ours, unseen := u.done(ctx, all)
	switch {
	case ours != nil:
		return u.result(ours, parts), nil
	case refused && (unseen == nil || kindOf(unseen) == Denied):
		made.Kind = Exists
	default: // another try finds out
		made.Kind = Unavailable
	}
	return Result{}, made
}

// done tells whether the object to be written is there. Then it gives the sum.
func (u upload) done(ctx context.Context, all func(context.Context) (sum, error)) (*sum, error) {
	h, err := head(ctx, u.to, Object{Key: u.key})
	if err != nil {
		return nil, err
	}
	return u.is(ctx, h, all)
}

// is tells whether the object that is there is the one to be written: the same
// marker, size and bytes. Then it gives their sum.
func (u upload) is(ctx context.Context, h header, all func(context.Context) (sum, error)) (*sum, error) {
	if u.options.Marker == "" || h.marker != u.options.Marker || h.Size != u.size {
		return nil, nil
	}
	ours, err := all(ctx)
	if err != nil {
		return nil, err
	}
	same := h.sum.name == "CRC64NVME" && ours.matches(h.sum)
	if h.sum.name != "CRC64NVME" {
		// The server keeps no such checksum: only reading the object tells.
		theirs := source{u.to, h.Object}.stream(ctx, span{0, h.Size}, checksum{})
		if err := theirs.drain(io.Discard, u.to.Client.wire.memory); err != nil {
			return nil, err
		}
		same = theirs.crc64 == ours.crc64
	}
	if !same {
		return nil, nil
	}
	return &ours, nil
}
