package transfer

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/rolecall/rolecall/internal/journal"
)

// Get writes the object to the file name below root. It makes directories and
// replaces a regular file. The object is the version that o describes; without
// an ETag it is the current one.
func Get(ctx context.Context, b Bucket, o Object, root *os.Root, name string, options GetOptions) (Result, error) {
	result, err := get(ctx, b, o, root, name, options)
	if err != nil {
		return Result{}, fault("get", b, o.Key, err)
	}
	return result, nil
}

func get(ctx context.Context, b Bucket, o Object, root *os.Root, name string, options GetOptions) (Result, error) {
	src, h, err := resolve(ctx, b, o)
	if err != nil {
		return Result{}, err
	}
	g := download{source: src, root: root, name: name, progress: options.Progress, kept: options.Kept}
	if options.Journal != nil {
		g.entry = options.Journal.Acquire(src.entryID(name, options), src.version())
		defer g.entry.Release()
	}
	if result, ok := g.finishedBefore(ctx); ok {
		return result, nil
	}
	if src.Size < multipartFrom {
		return g.single(ctx)
	}
	return g.parts(ctx, h.sum)
}

// download is one object that is written to a file.
type download struct {
	source
	root     *os.Root
	name     string
	progress func(int64)
	kept     func(int64)
	entry    *journal.Entry
}

// resolve completes o by HEAD. For objects that are read in parts it also
// returns the object's checksum and headers.
func resolve(ctx context.Context, b Bucket, o Object) (source, headResult, error) {
	o.ETag = quoted(o.ETag)
	src := source{b, o}
	if o.ETag != "" && o.Size < multipartFrom {
		return src, headResult{}, nil
	}
	h, err := head(ctx, b, o)
	if err != nil {
		return source{}, headResult{}, err
	}
	if h.ETag == "" {
		return source{}, headResult{}, malformed("the object has no ETag, and what is read of it could be of several versions")
	}
	if err := o.isSame(h.Object); err != nil {
		return source{}, headResult{}, err
	}
	src.Object = h.Object
	return src, h, nil
}

// isSame returns an error unless the object is the version that o describes. An
// ETag that is the same means the same bytes, so that another length is the
// server's fault.
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
func (o Object) isSame(got Object) error {
	switch {
	case o.ETag == "":
		return nil
	case got.ETag != o.ETag:
		return &Error{Kind: Changed, Err: fmt.Errorf("its ETag is %.*s, not %s", maxETag, got.ETag, o.ETag)}
	case got.Size != o.Size:
		return malformed("it has %d bytes, not %d, under the same ETag", got.Size, o.Size)
	}
	return nil
}

// single reads the object with one request. The answer's header names the
// checksum before the first byte arrives, so that a checksum of any function
// can be computed on the way.
func (g download) single(ctx context.Context) (Result, error) {
	file, err := createTemp(g.root, g.name, g.entry.TempName())
	if err != nil {
		return Result{}, err
	}
	defer file.discard()
	in := g.stream(ctx, span{0, g.Size}, checksum{})
	if err := g.writeSpan(in, file.file); err != nil {
		return Result{}, err
	}
	result, err := g.verify(ctx, file.file, in.sum(), in.objectSum, 1)
	if err != nil {
		return Result{}, err
	}
	return result, g.commit(file, in.sum())
}

func (g download) parts(ctx context.Context, want checksum) (result Result, err error) {
	spans, err := plan(g.Size, partSize)
	if err != nil {
		return Result{}, err
	}
	file, kept, err := g.openTemp()
	if err != nil {
		return Result{}, err
	}
	defer file.room.end()
	defer func() {
		if err != nil && g.entry != nil && resumable(err) {
			file.keep()
			return
		}
		file.discard()
		if err != nil {
			g.entry.Drop()
		}
	}()
	joined := want
	if !want.joinable() {
		joined = checksum{}
	}
	sums := make([]sum, len(spans))
	var keptBytes atomic.Int64
	err = eachPart(ctx, spans, g.Client.wire, func(ctx context.Context, i int) error {
		if noted, ok := kept[i+1]; ok {
			now, err := g.Client.wire.limits.sumSpan(ctx, file.file, spans[i], joined)
			if err != nil {
				return err
			}
			if now.crc64 == noted.CRC64 && now.n == noted.Bytes {
				sums[i] = now
				file.room.written(now.n)
				keptBytes.Add(now.n)
				g.reportKept(now.n)
				return nil
			}
		}
		in := g.stream(ctx, spans[i], joined)
		if err := g.writeSpan(in, file.file); err != nil {
			return err
		}
		sums[i] = in.sum()
		file.room.written(sums[i].n)
		g.entry.Part(i+1, part{sum: sums[i]}.journalPart())
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	all := join(joined, sums)
	if result, err = g.verify(ctx, file.file, all, want, len(spans)); err != nil {
		return Result{}, err
	}
	result.Kept = keptBytes.Load()
	return result, g.commit(file, all)
}

// writeSpan writes a span at its offset in the file.
func (g download) writeSpan(in *stream, file *os.File) error {
	return in.copyTo(&offsetWriter{file, in.at.off, g.progress}, g.Client.wire.limits)
}

// verify compares the sum with the checksum. It reads the file again if the sum
// has no checksum of that function.
func (g download) verify(ctx context.Context, file *os.File, got sum, want checksum, parts int) (Result, error) {
	result := Result{Bytes: got.n, CRC64: got.crc64, Parts: parts, Verified: want.name}
	if want.name == "" {
		return result, nil
	}
	if got.other == nil && want.hash() != nil {
		var err error
		if got, err = g.Client.wire.limits.sumSpan(ctx, file, span{0, g.Size}, want); err != nil {
			return Result{}, err
		}
	}
	if !got.matches(want) {
		return Result{}, corrupt(want, got)
	}
	return result, nil
}

// offsetWriter writes to a file from an offset on, and reports progress.
type offsetWriter struct {
	file     *os.File
	off      int64
	progress func(int64)
}

// Write writes at the offset and advances it.
func (p *offsetWriter) Write(b []byte) (int, error) {
	n, err := p.file.WriteAt(b, p.off)
	p.off += int64(n)
	if err != nil {
		return n, fileError(err)
	}
	report(p.progress, int64(n))
	return n, nil
}
