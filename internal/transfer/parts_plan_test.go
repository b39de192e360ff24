package transfer

import (
	"testing"

	"pgregory.net/rapid"
)

// Every byte is in one part, in order. All parts but the last have the same
// size, which is within S3's limits and as small as possible.
func TestPlan(t *testing.T) {
	t.Parallel()
	about := func(bounds *rapid.Generator[int64]) *rapid.Generator[int64] {
		return rapid.Custom(func(t *rapid.T) int64 {
			n := bounds.Draw(t, "bound")
			return rapid.Int64Range(max(n-2, 1), min(n+2, maxSize)).Draw(t, "about")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(
			rapid.Int64Range(1, maxSize),
			rapid.Int64Range(1, 4*partSize),
			about(rapid.SampledFrom([]int64{1, ioBuffer, expectFrom, minPartSize, partSize, multipartFrom, maxPartSize, partSize * maxParts, maxSize})),
			about(rapid.Map(rapid.Int64Range(partSize/mib, maxPartSize/mib), func(n int64) int64 { return n * mib * maxParts })), // where parts grow
		).Draw(t, "size")
		spans, err := plan(size, partSize)
		if err != nil {
			t.Fatal(err)
		}
		if len(spans) > maxParts {
			t.Fatalf("%d parts", len(spans))
		}
		part := spans[0].n
		var at int64
		for i, s := range spans {
			last := i == len(spans)-1
			if s.off != at || s.n <= 0 || s.n > part || (!last && s.n != part) {
				t.Fatalf("part %d of %d is %+v", i, len(spans), s)
			}
			at += s.n
		}
		if at != size {
			t.Fatalf("the parts have %d bytes", at)
		}
		if len(spans) == 1 {
			return
		}
		if part < minPartSize || part > maxPartSize || part%mib != 0 {
			t.Fatalf("parts of %d bytes", part)
		}
		if smaller := part - mib; part > partSize && smaller*maxParts >= size {
			t.Fatalf("parts of %d bytes where %d are enough", part, smaller)
		}
	})
}

func TestPlanBounds(t *testing.T) {
	t.Parallel()
	if spans, err := plan(0, partSize); err != nil || len(spans) != 0 {
		t.Error(spans, err)
	}
	for _, size := range []int64{-1, maxSize + 1} {
		_, err := plan(size, partSize)
		wantKind(t, err, TooLarge)
	}
}
