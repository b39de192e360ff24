package transfer

import (
	"bytes"
	"context"
)

// Copy streams the object from one bucket to another, each with its own
// credentials, through memory only.
func Copy(ctx context.Context, from Bucket, o Object, to Bucket, key string, options PutOptions) (Result, error) {
	src, want, err := describe(ctx, from, o)
	if err != nil {
		return Result{}, fault("copy", from, o.Key, err)
	}
	r := relay{src: src, want: want}
	u := upload{to: to, key: key, size: src.Size, options: options, open: r.span, ready: r.verify}
	if want.splits() {
		u.want = want
	}
	result, err := u.run(ctx)
	if err != nil {
		return Result{}, fault("copy", to, key, err)
	}
	result.Verified = r.verified
	return result, nil
}

// relay holds spans of the source in memory while they are sent.
type relay struct {
	src      source
	want     checksum
	verified string
}

func (r *relay) span(ctx context.Context, at span) (body, error) {
	function := r.want
	if !function.splits() {
		function = checksum{}
	}
	held := bytes.NewBuffer(make([]byte, 0, at.n))
	known, err := r.src.read(ctx, at, held)
	if err != nil {
		return body{}, fault("copy", r.src.Bucket, r.src.Key, err)
	}
	if at.n == r.src.Size {
		// The whole came in one answer, and only with it the checksum.
		r.want, function = known, known
	}
	d := newDigest(function)
	d.Write(held.Bytes()) //nolint:errcheck // a digest cannot fail
	return body{ReadSeeker: bytes.NewReader(held.Bytes()), sum: d.sum()}, nil
}

// verify holds all bytes against the source's checksum. A hash that cannot
// be joined from parts is passed over, and the result says so.
func (r *relay) verify(all sum) error {
	if r.want.name == "" || (r.want.hash() != nil && all.other == nil) {
		return nil
	}
	if !all.matches(r.want) {
		return fault("copy", r.src.Bucket, r.src.Key, corrupt(r.want))
	}
	r.verified = r.want.name
	return nil
}
