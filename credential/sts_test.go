package credential

import (
	"testing"

	"github.com/rolecall/rolecall"
)

// Only what is a region, and of the principal's partition, becomes part of a
// host name.
func TestRegionFor(t *testing.T) {
	t.Parallel()
	aws, china := rolecall.ARN{Partition: "aws"}, rolecall.ARN{Partition: "aws-cn"}
	for _, test := range []struct {
		wanted string
		p      rolecall.Principal
		want   string
	}{
		{"eu-west-1", rolecall.Principal{ARN: aws, Regions: []string{"eu-central-1"}}, "eu-west-1"},
		{"", rolecall.Principal{ARN: aws, Regions: []string{"eu-central-1"}}, "eu-central-1"},
		{"cn-north-1", rolecall.Principal{ARN: aws}, "us-east-1"},
		{"eu-west-1", rolecall.Principal{ARN: china}, "cn-north-1"},
		{"x@127.0.0.1/#", rolecall.Principal{ARN: aws}, "us-east-1"},
		{"eu-west-1.example.com", rolecall.Principal{ARN: aws, Regions: []string{"x@127.0.0.1/#", "eu-central-1"}}, "eu-central-1"},
	} {
		if got := regionFor(test.wanted, test.p); got != test.want {
			t.Errorf("%q: %s, want %s", test.wanted, got, test.want)
		}
	}
}
