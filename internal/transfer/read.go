package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	ioBuffer    = 256 << 10
	resumptions = 5        // that bring next to nothing
	worthwhile  = 64 << 10 // bytes that make up for one
)

// source is an object to read, always the version that the ETag names.
type source struct {
	Bucket
	Object
}

// read writes the span to w. A connection that breaks or stalls is taken up
// again after the last byte received, as often as the bytes are worth it. It gives the object's checksum where S3
// tells it, which it does when the span is the whole object.
func (s source) read(ctx context.Context, at span, w io.Writer) (checksum, error) {
	if s.Size < 0 {
		return checksum{}, malformed("the object's size is given as %d", s.Size)
	}
	var known checksum
	buf := make([]byte, min(ioBuffer, max(at.n, 1)))
	for fruitless := 0; ; {
		out, err := s.open(ctx, at)
		if err != nil {
			return known, err
		}
		if at.off == 0 && at.n == s.Size {
			known = offered{
				out.ChecksumCRC64NVME, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumSHA256, out.ChecksumSHA1, out.ChecksumType,
			}.whole()
		}
		got, err := drain(w, out.Body, at.n, buf)
		at.off, at.n = at.off+got, at.n-got
		var local writeError
		switch {
		case errors.As(err, &local):
			return known, local.error
		case ctx.Err() != nil:
			return known, ctx.Err()
		case at.n == 0:
			return known, nil
		}
		if fruitless = max(fruitless-int(min(got/worthwhile, resumptions)), 0) + 1; fruitless >= resumptions {
			return known, err
		}
		if err := pause(ctx, 100*time.Millisecond<<fruitless); err != nil {
			return known, err
		}
	}
}

// open asks for the span, or without a Range for the whole: zero bytes have
// no range, and only a whole answer carries checksums.
func (s source) open(ctx context.Context, at span) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{
		Bucket: aws.String(s.Name), Key: aws.String(s.Key), VersionId: optional(s.VersionID), IfMatch: optional(s.ETag),
		ExpectedBucketOwner: s.owner(), RequestPayer: s.payer(),
	}
	whole := at.off == 0 && at.n == s.Size
	if !whole {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", at.off, at.off+at.n-1))
	}
	var options []func(*s3.Options)
	if whole && !s.NoChecksums {
		// Set as a header so that the SDK does not verify as well: it would
		// do so with slow tables, and not across resumptions.
		options = append(options, s3.WithAPIOptions(smithyhttp.SetHeaderValue("X-Amz-Checksum-Mode", "ENABLED")))
	}
	out, err := s.Client.GetObject(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	if err := s.verify(out, at, whole); err != nil {
		out.Body.Close()
		return nil, err
	}
	return out, nil
}

// verify finds servers that ignore the condition or the range.
func (s source) verify(out *s3.GetObjectOutput, at span, whole bool) error {
	if tag := aws.ToString(out.ETag); s.ETag != "" && tag != "" && tag != s.ETag {
		return &Error{Kind: Changed, Err: fmt.Errorf("its ETag is %s, not %s", tag, s.ETag)}
	}
	if out.ContentLength == nil {
		return malformed("the answer does not say how long it is")
	}
	if n := *out.ContentLength; n != at.n {
		return &Error{Kind: Changed, Err: fmt.Errorf("%d bytes came where %d were expected", n, at.n)}
	}
	want := fmt.Sprintf("bytes %d-%d/%d", at.off, at.off+at.n-1, s.Size)
	if got := aws.ToString(out.ContentRange); !whole && got != want {
		return &Error{Kind: Changed, Err: fmt.Errorf("the range %q came where %q was expected", got, want)}
	}
	return nil
}

// writeError sets an error of the writing side apart.
type writeError struct{ error }

// drain moves up to n bytes, closes the body and says how many were written.
func drain(w io.Writer, body io.ReadCloser, n int64, buf []byte) (int64, error) {
	defer body.Close()
	var done int64
	for done < n {
		got, err := body.Read(buf[:min(int64(len(buf)), n-done)])
		if got > 0 {
			if _, err := w.Write(buf[:got]); err != nil {
				return done, writeError{err}
			}
			done += int64(got)
		}
		if err != nil && done < n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return done, err
		}
	}
	return done, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
