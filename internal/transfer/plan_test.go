package transfer

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(
			rapid.Int64Range(1, maxSize),
			rapid.Int64Range(1, 4*partSize),
			rapid.Int64Range(partSize*maxParts-2, partSize*maxParts+2),
			rapid.Int64Range(maxSize-2, maxSize),
		).Draw(t, "size")
		spans, err := plan(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(spans) > maxParts {
			t.Fatalf("%d parts", len(spans))
		}
		var at int64
		for i, s := range spans {
			if s.off != at || s.n <= 0 || s.n > maxPartSize || (i < len(spans)-1 && (s.n < minPartSize || s.n != spans[0].n)) {
				t.Fatalf("part %d of %d is %+v", i, len(spans), s)
			}
			at += s.n
		}
		if at != size {
			t.Fatalf("the parts have %d bytes", at)
		}
	})
}

func TestPlanBounds(t *testing.T) {
	t.Parallel()
	if spans, err := plan(0); err != nil || len(spans) != 0 {
		t.Error(spans, err)
	}
	for _, size := range []int64{-1, maxSize + 1} {
		_, err := plan(size)
		wantKind(t, err, TooLarge)
	}
}
