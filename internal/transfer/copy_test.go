package transfer

import (
	"bytes"
	"fmt"
	"testing"
)

// For S3 a folder is a part of a key, and a key that ends in a slash is an
// object like any other: with bytes or without, and beside the objects below
// it.
func TestFoldersAreKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	root := newRoot(t)
	for key, size := range map[string]int{"a": 10, "a/": 0, "a/b": 3, "a/b/": 7, "a//": 1, "a//b": 0, "/": 2, "//a": 4} {
		data := testBytes(size)
		o := s.store(t, key, data)
		write(t, root, "file", data)
		if _, err := Put(t.Context(), to, "put/"+key, root, "file", PutOptions{}); err != nil {
			t.Errorf("put %q: %v", key, err)
		}
		for way, options := range map[string]PutOptions{"here/": {}, "within/": {CopyClient: to.Client}} {
			if _, err := Copy(t.Context(), from, o, to, way+key, options); err != nil {
				t.Errorf("copy %q: %v", key, err)
			}
		}
		if _, err := Get(t.Context(), from, o, root, fmt.Sprintf("got/%x", key), GetOptions{}); err != nil {
			t.Errorf("get %q: %v", key, err)
		}
		if got, err := root.ReadFile(fmt.Sprintf("got/%x", key)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q arrives as %d bytes, %v", key, len(got), err)
		}
		for _, way := range []string{"put/", "here/", "within/"} {
			var got bytes.Buffer
			if err := s.ReadObject("target", way+key, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("%s%s arrives as %d bytes, %v", way, key, got.Len(), err)
			}
		}
	}
	// A get refuses objects that cannot be files side by side.
	for _, name := range []string{"dir/", "file/below", "/x", "a//b"} {
		_, err := Get(t.Context(), from, Object{Key: "a"}, root, name, GetOptions{})
		wantKind(t, err, BadFile)
	}
}
