package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Copy streams the object from one bucket to another, each with its own
// credentials, through memory only. It keeps what the source carries: its
// Content-Type and the like, and its owner's metadata. The source's storage
// class is its owner's choice, of what to pay for keeping it; the copy's is
// that of the options, or the bucket's default.
func Copy(ctx context.Context, from Bucket, o Object, to Bucket, key string, options PutOptions) (Result, error) {
	src, told, err := describe(ctx, from, o)
	if err != nil {
		return Result{}, fault("copy", from, o.Key, err)
	}
	r := &relay{src: src, told: told.http, want: told.sum}
	u := upload{to: to, key: key, size: src.Size, options: options, open: r.open, carried: r.carried, ready: r.verify, from: src.version()}
	if r.want.splits() {
		u.want = r.want
	}
	result, err := u.run(ctx)
	if err != nil {
		return Result{}, fault("copy", to, key, err)
	}
	result.Verified = r.verified
	return result, nil
}

// relay gives spans of the source to be sent as they come.
type relay struct {
	src      source
	told     http.Header // by HEAD, if that was asked
	want     checksum
	whole    *stream // the last, if it was of all bytes
	verified string
}

func (r *relay) open(ctx context.Context, at span) content {
	function := r.want
	if !function.splits() {
		function = checksum{}
	}
	s := r.src.stream(ctx, at, function)
	if r.src.whole(at) {
		r.whole = s
	}
	return relayed{s}
}

// carried picks what the copy keeps from the answer that brings the whole,
// which it sends for, or from that to HEAD.
func (r *relay) carried() (http.Header, error) {
	told := r.told
	if r.whole != nil {
		if err := r.whole.begin(); err != nil {
			return nil, fault("copy", r.src.Bucket, r.src.Key, err)
		}
		told = r.whole.header
	}
	carried, err := carriedBy(told)
	if err != nil {
		return nil, fault("copy", r.src.Bucket, r.src.Key, err)
	}
	return carried, nil
}

// verify holds all bytes against the source's checksum. A hash that cannot
// be joined from parts is passed over, and the result says so.
func (r *relay) verify(all sum) error {
	if r.whole != nil {
		// The whole came in one answer, and only with it the checksum.
		r.want = r.whole.known
	}
	if r.want.name == "" || (r.want.hash() != nil && all.other == nil) {
		return nil
	}
	if !all.matches(r.want) {
		return fault("copy", r.src.Bucket, r.src.Key, corrupt(r.want))
	}
	r.verified = r.want.name
	return nil
}

// relayed sets the source's faults apart from the destination's.
type relayed struct{ *stream }

// Read reads on.
func (r relayed) Read(p []byte) (int, error) {
	n, err := r.stream.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault("copy", r.src.Bucket, r.src.Key, err)
	}
	return n, err
}
