package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
)

// What another job has delivered with the same bytes is done already, and that is
// reported; other bytes are in the way. The marker is left out where the job says
// so.
func TestSameBytesAreDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for name, tc := range map[string]struct {
		size   int
		marker string
	}{"small": {10, ""}, "streamed": {3 << 20, ""}, "in parts": {17 << 20, ""}, "unmarked": {10, `, "marker": false`}, "unmarked, in parts": {17 << 20, `, "marker": false`}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fill := func(seed byte) {
				if err := os.WriteFile(filepath.Join(dir, "a.mov"), media(seed, tc.size), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put := tool("storage:put", fmt.Sprintf(`{"connection": "delivery", "path": "%s/", "files": ["*"]%s}`, name, tc.marker))
			fill(1)
			for i := range 2 {
				report := w.run(t.Context(), t, dir, put, nil)
				notes := report.Tasks[0].Notes
				if report.Status != rolecall.Completed || len(notes) != i || i == 1 && (notes[0].Kind != rolecall.AlreadyDelivered || notes[0].Key != "a.mov") {
					t.Fatalf("%d: %+v\n%s", i, notes, show(report))
				}
			}
			key := "out/" + name + "/a.mov"
			out, err := w.owner("globex-delivery").HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: new("globex-delivery"), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			if _, marked := out.Metadata["rolecall"]; marked != (tc.marker == "") {
				t.Errorf("metadata: %v", out.Metadata)
			}
			fill(2)
			if report := w.run(t.Context(), t, dir, put, nil); report.Status != rolecall.Failed || report.Errors[0].Code != rolecall.Conflict {
				t.Error(show(report))
			}
		})
	}
}
