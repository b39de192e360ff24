package transfer

import (
	"context"
	"fmt"
	"io"
	"os"
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
	file, err := create(root, name)
	if err != nil {
		return Result{}, err
	}
	defer file.discard()
	var result Result
	if src.Size < inParts {
		result, err = src.getWhole(ctx, file.file, options)
	} else {
		result, err = src.getParts(ctx, file.file, told.sum, options)
	}
	if err != nil {
		return Result{}, err
	}
	return result, file.commit()
}

// describe finds out what o leaves open, and for objects that are read in
// parts the checksum of the whole and what it carries, which HEAD tells then.
func describe(ctx context.Context, b Bucket, o Object) (source, header, error) {
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
	src.Object = h.Object
	return src, h, nil
}

// getWhole knows the checksum's function before the first byte, from the
// answer, so that any is computed on the way.
func (s source) getWhole(ctx context.Context, file *os.File, options GetOptions) (Result, error) {
	in := s.stream(ctx, span{0, s.Size}, checksum{})
	if err := s.fill(ctx, in, file, options); err != nil {
		return Result{}, err
	}
	return s.finish(file, in.sum(), in.known, 1)
}

func (s source) getParts(ctx context.Context, file *os.File, want checksum, options GetOptions) (Result, error) {
	spans, err := plan(s.Size)
	if err != nil {
		return Result{}, err
	}
	if err := preallocate(file, s.Size); err != nil {
		return Result{}, badFile(err)
	}
	function := want
	if !want.splits() {
		function = checksum{}
	}
	sums := make([]sum, len(spans))
	err = sideBySide(ctx, spans, s.Client.wire, func(ctx context.Context, i int) error {
		in := s.stream(ctx, spans[i], function)
		defer func() { sums[i] = in.sum() }()
		return s.fill(ctx, in, file, options)
	})
	if err != nil {
		return Result{}, err
	}
	return s.finish(file, join(function, sums), want, len(spans))
}

// fill writes a span to its place.
func (s source) fill(ctx context.Context, in *stream, file *os.File, options GetOptions) error {
	memory := s.Client.wire.memory
	if err := memory.acquire(ctx); err != nil {
		return err
	}
	defer memory.release()
	return in.drain(&placed{file, in.at.off, options.Progress}, memory)
}

// finish holds the bytes against the checksum.
func (s source) finish(file *os.File, got sum, want checksum, parts int) (Result, error) {
	result := Result{Bytes: got.n, CRC64: got.crc64, Parts: parts, Verified: want.name}
	if want.name == "" {
		return result, nil
	}
	if got.other == nil && want.hash() != nil {
		d := newDigest(want)
		if _, err := io.CopyBuffer(struct{ io.Writer }{d}, io.NewSectionReader(file, 0, s.Size), make([]byte, ioBuffer)); err != nil {
			return Result{}, badFile(err)
		}
		got = d.sum()
	}
	if !got.matches(want) {
		return Result{}, corrupt(want)
	}
	return result, nil
}

func corrupt(want checksum) error {
	return &Error{Kind: Corrupt, Err: fmt.Errorf("the bytes that came do not have the object's %s", want.name)}
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
