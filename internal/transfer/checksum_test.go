package transfer

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"
)

// The sums of parts, joined, are the sum of the whole.
func TestJoin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := checksum{name: rapid.SampledFrom([]string{"", "CRC64NVME", "CRC32", "CRC32C"}).Draw(t, "function")}
		whole := newDigest(want)
		var parts []sum
		for _, p := range rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "parts") {
			d := newDigest(want)
			for _, w := range []*digest{d, whole} {
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			parts = append(parts, d.sum())
		}
		if len(parts) == 0 {
			return
		}
		got, all := join(want, parts), whole.sum()
		if got.crc64 != all.crc64 || string(got.other) != string(all.other) || got.n != all.n {
			t.Fatalf("joined %+v, whole %+v", got, all)
		}
	})
}

// The check values are those of the CRC catalogue and of FIPS 180 for "123456789".
// https://reveng.sourceforge.io/crc-catalogue/
func TestKnownSums(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"CRC64NVME": "\xae\x8b\x14\x86\x0a\x79\x98\x88", "CRC32": "\xcb\xf4\x39\x26", "CRC32C": "\xe3\x06\x92\x83",
		"SHA1": "\xf7\xc3\xbc\x1d\x80\x8e\x04\x73\x2a\xdf\x67\x99\x65\xcc\xc3\x4c\xa7\xae\x34\x41",
		"SHA256": "\x15\xe2\xb0\xd3\xc3\x38\x91\xeb\xb0\xf1\xef\x60\x9e\xc4\x19\x42\x0c\x20\xe3\x20\xce\x94\xc6\x5f" +
			"\xbc\x8c\x33\x12\x44\x8e\xb2\x25",
	} {
		want := checksum{name, []byte(value)}
		d := newDigest(want)
		if _, err := d.Write([]byte("123456789")); err != nil {
			t.Fatal(err)
		}
		if !d.sum().matches(want) {
			t.Errorf("%s: got %+v", name, d.sum())
		}
	}
}

func TestFullObject(t *testing.T) {
	t.Parallel()
	value := func(n int) *string {
		s := base64.StdEncoding.EncodeToString(make([]byte, n))
		return &s
	}
	composite, broken := *value(4)+"-3", "no base64!"
	for name, c := range map[string]struct {
		answerChecksums
		want string
	}{
		"none":           {answerChecksums{}, ""},
		"one":            {answerChecksums{crc32: value(4)}, "CRC32"},
		"cheapest":       {answerChecksums{sha256: value(32), crc64: value(8)}, "CRC64NVME"},
		"composite":      {answerChecksums{crc32: value(4), kind: types.ChecksumTypeComposite}, ""},
		"composite text": {answerChecksums{crc32: &composite}, ""},
		"broken":         {answerChecksums{crc32: &broken, sha1: value(20)}, "SHA1"},
	} {
		if got := c.fullObject(); got.name != c.want {
			t.Errorf("%s: got %q, want %q", name, got.name, c.want)
		}
	}
}
