package transfer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/crc64nvme"
)

// within holds what a copy promises where S3 makes it.
func within(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	sizes := []int{0, 1, inParts + 1, copiedInParts + 3}
	if to.Owner == "" {
		// versitygw ignores If-None-Match of a copy, and says of each part that
		// it copies the checksum of the whole.
		to.LookFirst, sizes = true, sizes[:3]
	}
	for _, size := range sizes {
		data := noise(size)
		key := fmt.Sprintf("in/%d +&ü.bin", size)
		write(t, root, "up.mov", data)
		if _, err := Put(t.Context(), from, key, root, "up.mov", PutOptions{Marker: "job/1"}); err != nil {
			t.Fatal(err)
		}
		var told counter
		options := PutOptions{Marker: "job/2", Progress: told.add, Both: to.Client}
		got, err := Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options)
		if err != nil {
			t.Fatal(err)
		}
		want := Result{Bytes: int64(size), CRC64: crc64nvme.Checksum(data), Parts: 1, Verified: "CRC64NVME"}
		if size >= copiedInParts {
			want.Parts = 3
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error("copy ", size, d)
		}
		h, err := head(t.Context(), to, Object{Key: "out/" + key})
		if err != nil || h.marker != "job/2" || h.http.Get("Content-Type") != "video/quicktime" || h.sum.name != "CRC64NVME" {
			t.Errorf("%d bytes arrive as %+v, %v", size, h, err)
		}
		if told.total() != int64(size) {
			t.Errorf("%d bytes were reported of %d", told.total(), size)
		}
		if got, err = Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options); err != nil || !got.Already || got.CRC64 != want.CRC64 {
			t.Errorf("%d bytes again: %+v, %v", size, got, err)
		}
		options.Marker = "job/3"
		_, err = Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options)
		if e := theFault(t, err, Exists); e.Bucket != to.Name {
			t.Errorf("there already: %v", err)
		}
		noUploads(t, to)
	}
	_, err := Copy(t.Context(), from, Object{Key: "none", ETag: `"x"`}, to, "none", PutOptions{Both: to.Client})
	if e := theFault(t, err, NotFound); e.Bucket != from.Name {
		t.Errorf("a missing source: %v", err)
	}
}
