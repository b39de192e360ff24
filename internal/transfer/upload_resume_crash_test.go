package transfer

import (
	"strings"
	"testing"
)

// A process dies with the journal at any line, or in the middle of one, while
// S3 has gone further. The next process succeeds, and uploads that it cannot
// know of are swept.
func TestResumeFromAnyLine(t *testing.T) {
	t.Parallel()
	for name, try := range fixtures() {
		if name == "copy" {
			continue // the same as for put
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kept := 0; ; kept++ {
				f := newFixture(t)
				try := try(f)
				f.cut(t, try)
				whole := 0
				f.rewrite(t, func(text string) string {
					lines := strings.SplitAfter(text, "\n")
					whole = len(lines) - 1
					n := min(kept, whole)
					return strings.Join(lines[:n], "") + lines[n][:len(lines[n])/2]
				})
				if kept > whole {
					return
				}
				if f.j.Resumed() != (kept > 0) {
					t.Errorf("%d lines: resumed %v", kept, f.j.Resumed())
				}
				r, err := try(t)
				if err != nil || r.Kept != max(0, int64(kept)-int64(whole)+2)*partSize {
					t.Fatalf("%d lines of %d: %+v, %v", kept, whole, r, err)
				}
				if _, err := f.sweep(t.Context(), f.bucket(t, "target"), "", "job-1/0", sessionName); err != nil {
					t.Error(err)
				}
				f.clean(t)
				f.checkObject(t, name)
			}
		})
	}
}
