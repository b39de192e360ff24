package transfer

import "fmt"

// S3's limits for multipart uploads.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	mib         = 1 << 20
	maxParts    = 10_000
	minPartSize = 5 * mib
	maxPartSize = 5 << 30
	maxSize     = maxParts * maxPartSize // 48.8 TiB
)

// Parts are as small as possible: when a connection breaks or the process is
// killed, each part in transfer is lost. Larger ones were not faster. Memory
// does not depend on their size, since parts are streamed.
const (
	multipartFrom = 16 * mib // objects of this size and more are moved in parts
	partSize      = 8 * mib
)

// span is a range of an object's bytes.
type span struct{ off, n int64 }

// String returns the span as the value of a Range header.
func (s span) String() string { return fmt.Sprintf("bytes=%d-%d", s.off, s.off+s.n-1) }

// plan divides an object into spans of part bytes, the last one shorter. If
// that were too many, they are larger. The size is always known: S3 reports it
// in each listing and answer. An answer without one (some services unpack what
// is stored packed) is not the stored object.
func plan(size, part int64) ([]span, error) {
	if size < 0 || size > maxSize {
		return nil, &Error{Kind: TooLarge, Err: fmt.Errorf("an object has 0 to %d bytes, not %d", int64(maxSize), size)}
	}
	if size > part*maxParts {
		part = (size + maxParts - 1) / maxParts
		part = (part + mib - 1) / mib * mib
	}
	spans := make([]span, 0, (size+part-1)/part)
	for off := int64(0); off < size; off += part {
		spans = append(spans, span{off, min(part, size-off)})
	}
	return spans, nil
}
