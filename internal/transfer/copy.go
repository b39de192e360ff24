package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// Copy copies the object from one bucket to another. With PutOptions.Both S3
// does it by itself; else, and where S3 refuses that, the bytes are streamed
// through memory, each bucket with its own credentials.
//
// It keeps what the source carries: its Content-Type and the like, its owner's
// metadata, and its tags where they can be read and written. The source's
// storage class is its owner's choice, of what to pay for keeping it; the
// copy's is that of the options, or the bucket's default.
func Copy(ctx context.Context, from Bucket, o Object, to Bucket, key string, options PutOptions) (Result, error) {
	c := copying{to: to, key: key, options: options}
	c.options.Progress = func(n int64) {
		c.moved.Store(true)
		report(options.Progress, n)
	}
	var err error
	if c.src, c.told, err = describe(ctx, from, o); err != nil {
		return Result{}, fault("copy", from, o.Key, err)
	}
	result, err := c.run(ctx)
	if err != nil {
		return Result{}, fault("copy", to, key, err)
	}
	result.Verified, result.TagsLost = c.verified, c.tags.lost
	return result, nil
}

// copying is one copy, which may take several ways to be made.
type copying struct {
	src     source
	told    header // by HEAD, if that was asked
	to      Bucket
	key     string
	options PutOptions
	moved   atomic.Bool // bytes were reported: no other way begins anew

	tags     copiedTags
	verified string
}

func (c *copying) run(ctx context.Context) (Result, error) {
	if one := c.options.Both; one != nil && !c.src.NoChecksums && !c.to.NoChecksums && !one.denied.has(c.way()) {
		result, err := c.tagged(ctx, one, c.within)
		if !c.refused(err) {
			return result, err
		}
		if KindOf(err) == Denied {
			one.denied.add(c.way())
		}
	}
	return c.tagged(ctx, c.to.Client, c.stream)
}

func (c *copying) way() denial { return denial{"copy", c.src.Name, c.to.Name} }

// tagged writes the copy with its tags and, if that is refused, without.
func (c *copying) tagged(ctx context.Context, client *Client, write func(context.Context) (Result, error)) (Result, error) {
	tagging := denial{"tag", "", c.to.Name}
	c.tags = copiedTags{withheld: client.denied.has(tagging)}
	result, err := write(ctx)
	if c.tags.sent == "" || c.tags.begun || !c.refused(err) {
		return result, err
	}
	c.tags = copiedTags{withheld: true}
	result, plain := write(ctx)
	if plain == nil && KindOf(err) == Denied {
		client.denied.add(tagging)
	}
	return result, plain
}

// refused tells whether the destination refused the write as it was, so that
// another may be tried.
func (c *copying) refused(err error) bool {
	var own *Error // of the source
	if err == nil || c.moved.Load() || errors.As(err, &own) && own.Op != "" {
		return false
	}
	kind := KindOf(err)
	return kind == Denied || kind == Refused
}

// carried is what the copy carries of what an answer tells of the source.
func (c *copying) carried(ctx context.Context, header http.Header) (http.Header, error) {
	carried, err := carriedBy(header)
	if err != nil {
		return nil, c.blame(err)
	}
	if c.tags.withheld {
		c.tags.lost = header.Get(taggingCount) != ""
		return carried, nil
	}
	if c.tags.sent, c.tags.lost, err = tagsOf(ctx, c.src, header); err != nil {
		return nil, c.blame(err)
	}
	if c.tags.sent != "" {
		carried[taggingHeader] = []string{c.tags.sent}
	}
	return carried, nil
}

// blame sets a fault of the source's apart from the destination's.
func (c *copying) blame(err error) error { return fault("copy", c.src.Bucket, c.src.Key, err) }

func (c *copying) stream(ctx context.Context) (Result, error) {
	r := &relay{src: c.src, want: c.told.sum}
	u := upload{to: c.to, key: c.key, size: c.src.Size, options: c.options, open: r.open, ready: r.verify, from: c.src.version(), tags: &c.tags}
	u.carried = func() (http.Header, error) {
		header := c.told.http
		if r.whole != nil {
			if err := r.whole.begin(); err != nil {
				return nil, c.blame(err)
			}
			header = r.whole.header
		}
		return c.carried(ctx, header)
	}
	if r.want.splits() {
		u.want = r.want
	}
	result, err := u.run(ctx)
	c.verified = r.verified
	return result, err
}

// relay gives spans of the source to be sent as they come.
type relay struct {
	src      source
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
		return fault("copy", r.src.Bucket, r.src.Key, corrupt(r.want, all))
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
