package sandbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestBucketNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"abc": true, "a.b.c": true, "my-bucket": true, "1-2-3": true, "192.168.5": true, "192.168.5.123.x": true, "a--b": true,
		"my-s3alias-b": true, "sthree": true, "xn-a": true, strings.Repeat("a", 63): true,

		"": false, "ab": false, strings.Repeat("a", 64): false, "Abc": false, "a_b": false, "a b": false, "-ab": false, "ab-": false,
		".ab": false, "ab.": false, "a..b": false, "foo.-bar": false, "foo-.bar": false, "192.168.5.123": false, "1.1.1.1": false, "256.256.256.256": false,
		"xn--a": false, "sthree-b": false, "sthree-configurator": false, "amzn-s3-demo-bucket": false, "a-s3alias": false,
		"a--ol-s3": false, "a.mrap": false, "a--euc1-az1--x-s3": false, "a--table-s3": false, "bücket": false, "a/b": false,
	} {
		if got := validBucketName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

// The constraints are those that the SDK knows, and a partition's that it does
// not yet.
func TestLocationConstraints(t *testing.T) {
	t.Parallel()
	want := []string{"eusc-de-east-1"}
	for _, c := range types.BucketLocationConstraint("").Values() {
		want = append(want, string(c))
	}
	slices.Sort(want)
	got := slices.Sorted(slices.Values(locationConstraints))
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
