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

// Parts are no larger than they must be. What is lost when one is cut, or the
// process is killed, is a part for each that was on its way; larger ones were
// no faster. Memory does not depend on it: parts are streamed.
const (
	inParts  = 16 * mib // objects of this size and more are moved in parts
	partSize = 8 * mib
)

// span is a run of an object's bytes.
type span struct{ off, n int64 }

// String is the span as HTTP names it.
func (s span) String() string { return fmt.Sprintf("bytes=%d-%d", s.off, s.off+s.n-1) }

// plan cuts an object of the size into equal parts, as large as part unless
// they were too many then, the last one shorter. The size is known: S3 tells it
// in each listing and answer, and what comes without one (some services unpack
// what was stored packed) is not the stored object.
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
