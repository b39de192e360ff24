package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/correct"
)

// That a bucket takes TLS only is no fault of the bucket's, whose owner is not
// told to give it up: the endpoint is to have it.
func TestBucketForTLS(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{roleAccount, otherAccount} {
		s := newSetting(t, owner, "")
		s.bucket.Policy = with(t, s.bucket.Policy, theirBucket, denyAll(`{"Bool":{"aws:SecureTransport":"false"}}`))
		report, _ := s.check(t)
		f := step(report, rolecall.StepList)
		if !strings.Contains(f.Hint, "Operator: give an endpoint of S3 with https") || owner == roleAccount && !slices.Equal(f.Candidates, []rolecall.CheckLayer{"network", "bucket"}) {
			dump(t, report)
			t.Errorf("%s: %+v", owner, f)
		}
		s.policies = []correct.Given{{Kind: "bucket", File: "bucket.json", Document: s.bucket.Policy}}
		report, _ = s.check(t)
		f = step(report, rolecall.StepList)
		if f.Layer != rolecall.LayerNetwork || f.Patch != nil || !strings.Contains(f.Message, "bucket.json denies what comes without TLS") {
			dump(t, report)
			t.Errorf("%s: %+v", owner, f)
		}
	}
}
