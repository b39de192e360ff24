package cli

import "testing"

func TestMemory(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]memory{
		"256MiB": 256 << 20, "64M": 64 << 20, "1GiB": 1 << 30, "2G": 2 << 30, "8192K": 8 << 20, "5000KiB": 5000 << 10, "4194304": 4 << 20, "4194304B": 4 << 20,
		"1024GiB": 1 << 40,
		"":        0, "M": 0, "256MB": 0, "256mib": 0, "-1G": 0, "1.5G": 0, "1 G": 0, "3MiB": 0, "4194303": 0, "1025GiB": 0, "9223372036854775807G": 0, "MiB256": 0, "25BM": 0,
	} {
		var got memory
		if err := got.UnmarshalText([]byte(text)); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
