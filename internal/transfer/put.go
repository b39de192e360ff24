package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Put uploads the regular file name below root.
func Put(ctx context.Context, b Bucket, key string, root *os.Root, name string, options PutOptions) (Result, error) {
	result, err := put(ctx, b, key, root, name, options)
	if err != nil {
		return Result{}, fault("put", b, key, err)
	}
	return result, nil
}

func put(ctx context.Context, b Bucket, key string, root *os.Root, name string, options PutOptions) (Result, error) {
	file, info, err := open(root, name)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	f := reading{file, info}
	u := upload{
		to: b, key: key, size: info.Size(), options: options, open: f.span,
		ready: func(sum) error { return unchanged(file, info) },
	}
	result, err := u.run(ctx)
	// S3's complaint about bytes that do not fit their checksum is only the
	// effect when somebody writes to the file.
	if changed := unchanged(file, info); changed != nil && ctx.Err() == nil {
		return Result{}, changed
	}
	return result, err
}

// reading is an open file.
type reading struct {
	*os.File
	info fs.FileInfo
}

// span sums a span and gives it to be read again: from the page cache, and
// with no memory of its own, whatever the size of a part.
func (f reading) span(ctx context.Context, at span) (body, error) {
	d := newDigest(checksum{})
	section := io.NewSectionReader(f.File, at.off, at.n)
	buf := make([]byte, min(ioBuffer, at.n))
	for d.n < at.n && ctx.Err() == nil {
		n, err := section.Read(buf)
		d.Write(buf[:n]) //nolint:errcheck // a digest cannot fail
		if err != nil && d.n < at.n {
			if changed := unchanged(f.File, f.info); changed != nil {
				return body{}, changed
			}
			return body{}, badFile(err)
		}
	}
	if err := ctx.Err(); err != nil {
		return body{}, err
	}
	_, err := section.Seek(0, io.SeekStart)
	return body{ReadSeeker: steady{section}, sum: d.sum()}, err
}

// steady is a section of a file that is an error where the file ends early.
type steady struct{ *io.SectionReader }

// Read reads on.
func (s steady) Read(p []byte) (int, error) {
	n, err := s.SectionReader.Read(p)
	if errors.Is(err, io.EOF) {
		if at, _ := s.Seek(0, io.SeekCurrent); at < s.Size() {
			return n, &Error{Kind: Changed, Err: errors.New("the file became shorter while it was read")}
		}
	}
	return n, err
}
