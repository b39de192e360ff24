package transfer

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"

	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/workdir"
)

// Put uploads the regular file name below root. The object's Content-Type
// follows from the name's extension.
func Put(ctx context.Context, b Bucket, key string, root *os.Root, name string, options PutOptions) (Result, error) {
	result, err := put(ctx, b, key, root, name, options)
	if err != nil {
		return Result{}, fault("put", b, key, err)
	}
	return result, nil
}

func put(ctx context.Context, b Bucket, key string, root *os.Root, name string, options PutOptions) (Result, error) {
	file, info, err := workdir.Open(root, name)
	if err != nil {
		return Result{}, fileError(err)
	}
	defer file.Close()
	u := upload{
		to: b, key: key, size: info.Size(), options: options,
		open:             func(_ context.Context, at span) content { return newFileSpan(file, info, at) },
		sourceProperties: func() (http.Header, error) { return http.Header{"Content-Type": {contentType(name)}}, nil },
		check:            func(sum) error { return checkUnchanged(file, info) },
		sumAgain: func(ctx context.Context, at span) (sum, error) {
			return b.Client.wire.limits.sumSpan(ctx, file, at, checksum{})
		},
		from: journal.DigestOf("file", name, strconv.FormatInt(info.Size(), 10), strconv.FormatInt(info.ModTime().UnixNano(), 10)),
	}
	result, err := u.run(ctx)
	// If somebody writes to the file, S3 reports only that the bytes do not match
	// their checksum.
	if err != nil && ctx.Err() == nil {
		if changed := checkUnchanged(file, info); changed != nil {
			return Result{}, changed
		}
	}
	return result, err
}

// fileSpan is a span of an open file, summed as it is read.
type fileSpan struct {
	*digest
	file *os.File
	info fs.FileInfo // from when it was opened
	at   span        // the rest
}

func newFileSpan(file *os.File, info fs.FileInfo, at span) *fileSpan {
	return &fileSpan{newDigest(checksum{}), file, info, at}
}

// Read reads the span. It returns an error if the file ends early.
func (f *fileSpan) Read(p []byte) (int, error) {
	if f.at.n == 0 {
		return 0, io.EOF
	}
	n, err := f.file.ReadAt(p[:min(int64(len(p)), f.at.n)], f.at.off)
	f.digest.Write(p[:n]) //nolint:errcheck // a digest cannot fail
	f.at.off, f.at.n = f.at.off+int64(n), f.at.n-int64(n)
	if n > 0 || err == nil {
		return n, nil
	}
	if changed := checkUnchanged(f.file, f.info); changed != nil {
		return 0, changed
	}
	return 0, fileError(err)
}

// Close does nothing: the other spans use the same file.
func (*fileSpan) Close() error { return nil }
