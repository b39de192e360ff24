package transfer

import (
	"strings"
	"testing"
)

func TestIsRegion(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"eu-central-1": true, "us-gov-west-1": true, "": false, "x": false, "evil.com/a-b-": false, "a-b-*": false, strings.Repeat("a-", 20): false,
	} {
		if isRegion(s) != want {
			t.Errorf("%q", s)
		}
	}
}
