package policy_test

import (
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func TestPartitions(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1": "aws amazonaws.com", "cn-north-1": "aws-cn amazonaws.com.cn", "us-gov-west-1": "aws-us-gov amazonaws.com",
		"eusc-de-east-1": "aws-eusc amazonaws.eu", "us-iso-east-1": "aws-iso c2s.ic.gov", "us-isob-east-1": "aws-iso-b sc2s.sgov.gov",
		"eu-isoe-west-1": "aws-iso-e cloud.adc-e.uk", "us-isof-south-1": "aws-iso-f csp.hci.ic.gov",
	} {
		if got := rolecall.PartitionOf(region) + " " + policy.DNSSuffix(rolecall.PartitionOf(region)); got != want {
			t.Errorf("%s is of %s, want %s", region, got, want)
		}
	}
}
