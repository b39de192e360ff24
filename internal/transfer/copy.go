package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// Copy copies the object from one bucket to another. With PutOptions.CopyClient
// S3 copies it on its side. Without it, and where S3 refuses that, the bytes
// are streamed through memory, each bucket with its own credentials.
//
// Copy keeps the source's Content-Type and similar headers, its metadata, and
// its tags if they can be read and written. It does not keep the storage class:
// the copy's is that of the options, or the bucket's default. Nor does it keep where
// a website redirects to, and what locks the object: that is the destination's owner's
// to decide, and in Result.Dropped.
func Copy(ctx context.Context, from Bucket, o Object, to Bucket, key string, options PutOptions) (Result, error) {
	c := copier{to: to, key: key, options: options}
	c.options.Progress = func(n int64) {
		c.moved.Store(true)
		report(options.Progress, n)
	}
	var err error
	if c.src, c.head, err = resolve(ctx, from, o); err != nil {
		return Result{}, fault("copy", from, o.Key, err)
	}
	result, err := c.run(ctx)
	if err != nil {
		return Result{}, fault("copy", to, key, err)
	}
	result.Verified, result.TagsLost = c.verified, c.tags.lost
	if !result.Already {
		result.Dropped = c.dropped
	}
	result.TagsHidden = !result.Already && c.uncounted && hidesTags(ctx, c.src)
	return result, nil
}

// copier makes one copy, which may take more than one way.
type copier struct {
	src     source
	head    headResult // the answer to HEAD, if it was sent
	to      Bucket
	key     string
	options PutOptions
	moved   atomic.Bool // progress was reported: no other way is tried

	tags      copiedTags
	uncounted bool // S3 has sent no count of the source's tags
	verified  string
	dropped   []string // see Result
}

func (c *copier) run(ctx context.Context) (Result, error) {
	if both := c.options.CopyClient; both != nil && !c.src.NoChecksums && !c.to.NoChecksums && !both.denied.has(c.copyDenial()) {
		result, err := c.writeWithTags(ctx, both, c.serverSide)
		if !c.refused(err) {
			return result, err
		}
		if KindOf(err) == Denied {
			both.denied.add(c.copyDenial())
		}
	}
	return c.writeWithTags(ctx, c.to.Client, c.stream)
}

func (c *copier) copyDenial() denial { return denial{"copy", c.src.Name, c.to.Name} }

// writeWithTags writes the copy with its tags and, if that is refused, without
// them.
func (c *copier) writeWithTags(ctx context.Context, client *Client, write func(context.Context) (Result, error)) (Result, error) {
	tagging := denial{"tag", "", c.to.Name}
	c.tags = copiedTags{withheld: client.denied.has(tagging)}
	result, err := write(ctx)
	if c.tags.sent == "" || c.tags.accepted || !c.refused(err) {
		return result, err
	}
	c.tags = copiedTags{withheld: true}
	result, plain := write(ctx)
	if plain == nil && KindOf(err) == Denied {
		client.denied.add(tagging)
	}
	return result, plain
}

// refused reports whether the destination refused the write, so that another
// way may be tried.
func (c *copier) refused(err error) bool {
	var own *Error // of the source
	if err == nil || c.moved.Load() || errors.As(err, &own) && own.Op != "" {
		return false
	}
	kind := KindOf(err)
	return kind == Denied || kind == Refused
}

// properties returns the headers of the copy, from the header of an answer
// about the source.
func (c *copier) properties(ctx context.Context, header http.Header) (http.Header, error) {
	properties, err := copiedHeaders(header)
	if err != nil {
		return nil, c.sourceFault(err)
	}
	c.uncounted, c.dropped = header.Get(taggingCount) == "", droppedHeaders(header)
	if c.tags.withheld {
		c.tags.lost = header.Get(taggingCount) != ""
		return properties, nil
	}
	if c.tags.sent, c.tags.lost, err = tagsOf(ctx, c.src, header); err != nil {
		return nil, c.sourceFault(err)
	}
	if c.tags.sent != "" {
		properties[taggingHeader] = []string{c.tags.sent}
	}
	return properties, nil
}

// sourceFault marks an error as the source's, not the destination's.
func (c *copier) sourceFault(err error) error { return fault("copy", c.src.Bucket, c.src.Key, err) }

func (c *copier) stream(ctx context.Context) (Result, error) {
	r := &relay{src: c.src, want: c.head.sum}
	u := upload{to: c.to, key: c.key, size: c.src.Size, options: c.options, open: r.open, check: r.verify, from: c.src.version(), tags: &c.tags}
	u.sourceProperties = func() (http.Header, error) {
		header := c.head.http
		if r.wholeStream != nil {
			if err := r.wholeStream.begin(); err != nil {
				return nil, c.sourceFault(err)
			}
			header = r.wholeStream.header
		}
		return c.properties(ctx, header)
	}
	if r.want.joinable() {
		u.want = r.want
	}
	result, err := u.run(ctx)
	c.verified = r.verified
	return result, err
}

// relay opens spans of the source for sending.
type relay struct {
	src         source
	want        checksum
	wholeStream *stream // the last stream, if it has all bytes
	verified    string
}

func (r *relay) open(ctx context.Context, at span) content {
	function := r.want
	if !function.joinable() {
		function = checksum{}
	}
	s := r.src.stream(ctx, at, function)
	if r.src.isWhole(at) {
		r.wholeStream = s
	}
	return relayStream{s}
}

// verify compares the sum of all bytes with the source's checksum. A checksum
// that cannot be joined from those of parts is skipped, and the result says so.
func (r *relay) verify(all sum) error {
	if r.wholeStream != nil {
		// The checksum came with the one answer that has all bytes.
		r.want = r.wholeStream.objectSum
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

// relayStream marks errors of reading as the source's.
type relayStream struct{ *stream }

// Read reads from the source.
func (r relayStream) Read(p []byte) (int, error) {
	n, err := r.stream.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault("copy", r.src.Bucket, r.src.Key, err)
	}
	return n, err
}
