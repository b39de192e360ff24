package transfer

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/rolecall/rolecall/internal/journal"
)

// Get writes the object to the file name below root, making directories and
// replacing a regular file. The object is the one that o describes: without
// an ETag the current one is looked up.
func Get(ctx context.Context, b Bucket, o Object, root *os.Root, name string, options GetOptions) (Result, error) {
	result, err := get(ctx, b, o, root, name, options)
	if err != nil {
		return Result{}, fault("get", b, o.Key, err)
	}
	return result, nil
}

func get(ctx context.Context, b Bucket, o Object, root *os.Root, name string, options GetOptions) (Result, error) {
	src, told, err := describe(ctx, b, o)
	if err != nil {
		return Result{}, err
	}
	g := getting{source: src, root: root, name: name, progress: options.Progress, kept: options.Kept}
	if options.Journal != nil {
		g.note = options.Journal.Take(src.getID(name, options), src.version())
		defer g.note.Leave()
	}
	if result, ok := g.earlier(ctx); ok {
		return result, nil
	}
	if src.Size < inParts {
		return g.whole(ctx)
	}
	return g.parts(ctx, told.sum)
}

// getting is an object on its way to a file.
type getting struct {
	source
	root     *os.Root
	name     string
	progress func(int64)
	kept     func(int64)
	note     *journal.Entry
}

// describe finds out what o leaves open, and for objects that are read in
// parts the checksum of the whole and what it carries, which HEAD tells then.
func describe(ctx context.Context, b Bucket, o Object) (source, header, error) {
	o.ETag = quoted(o.ETag)
	src := source{b, o}
	if o.ETag != "" && o.Size < inParts {
		return src, header{}, nil
	}
	h, err := head(ctx, b, o)
	if err != nil {
		return source{}, header{}, err
	}
	if o.ETag != "" && (h.Size != o.Size || h.ETag != o.ETag) {
		return source{}, header{}, &Error{Kind: Changed, Err: fmt.Errorf("it has %d bytes and ETag %s, not %d and %s", h.Size, h.ETag, o.Size, o.ETag)}
	}
	if h.ETag == "" {
		return source{}, header{}, malformed("the object has no ETag, and what is read of it could be of several versions")
	}
	src.Object = h.Object
	return src, h, nil
}

// whole knows the checksum's function before the first byte, from the
// answer, so that any is computed on the way.
func (g getting) whole(ctx context.Context) (Result, error) {
	file, err := create(g.root, g.name, g.note.File())
	if err != nil {
		return Result{}, err
	}
	defer file.discard()
	in := g.stream(ctx, span{0, g.Size}, checksum{})
	if err := g.fill(in, file.file); err != nil {
		return Result{}, err
	}
	result, err := g.finish(ctx, file.file, in.sum(), in.known, 1)
	if err != nil {
		return Result{}, err
	}
	return result, g.commit(file, in.sum())
}

func (g getting) parts(ctx context.Context, want checksum) (result Result, err error) {
	spans, err := plan(g.Size, partSize)
	if err != nil {
		return Result{}, err
	}
	file, kept, err := g.file()
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if err != nil && g.note != nil && goesOn(err) {
			file.keep()
			return
		}
		file.discard()
		if err != nil {
			g.note.Over()
		}
	}()
	function := want
	if !want.splits() {
		function = checksum{}
	}
	sums := make([]sum, len(spans))
	var old atomic.Int64
	err = sideBySide(ctx, spans, g.Client.wire, func(ctx context.Context, i int) error {
		if before, ok := kept[i+1]; ok {
			again, err := g.Client.wire.memory.sum(ctx, file.file, spans[i], function)
			if err != nil {
				return err
			}
			if again.crc64 == before.CRC64 && again.n == before.Bytes {
				sums[i] = again
				old.Add(again.n)
				g.have(again.n)
				return nil
			}
		}
		in := g.stream(ctx, spans[i], function)
		if err := g.fill(in, file.file); err != nil {
			return err
		}
		sums[i] = in.sum()
		g.note.Part(i+1, part{sum: sums[i]}.noted())
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	all := join(function, sums)
	if result, err = g.finish(ctx, file.file, all, want, len(spans)); err != nil {
		return Result{}, err
	}
	result.Kept = old.Load()
	return result, g.commit(file, all)
}

// fill writes a span to its place.
func (g getting) fill(in *stream, file *os.File) error {
	return in.drain(&placed{file, in.at.off, g.progress}, g.Client.wire.memory)
}

// finish holds the bytes against the checksum.
func (g getting) finish(ctx context.Context, file *os.File, got sum, want checksum, parts int) (Result, error) {
	result := Result{Bytes: got.n, CRC64: got.crc64, Parts: parts, Verified: want.name}
	if want.name == "" {
		return result, nil
	}
	if got.other == nil && want.hash() != nil {
		var err error
		if got, err = g.Client.wire.memory.sum(ctx, file, span{0, g.Size}, want); err != nil {
			return Result{}, err
		}
	}
	if !got.matches(want) {
		return Result{}, corrupt(want, got)
	}
	return result, nil
}

// placed writes to a file from an offset on, and reports.
type placed struct {
	file     *os.File
	off      int64
	progress func(int64)
}

// Write writes on.
func (p *placed) Write(b []byte) (int, error) {
	n, err := p.file.WriteAt(b, p.off)
	p.off += int64(n)
	if err != nil {
		return n, badFile(err)
	}
	report(p.progress, int64(n))
	return n, nil
}
