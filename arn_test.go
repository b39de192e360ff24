package rolecall_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

func TestARNNames(t *testing.T) {
	t.Parallel()
	const role, user = "arn:aws:iam::111122223333:role/workers/production", "arn:aws:iam::111122223333:user/ci"
	for _, c := range []struct {
		declared, caller string
		want             bool
	}{
		{role, "arn:aws:sts::111122223333:assumed-role/production/i-1", true},
		{role, "arn:aws:sts::111122223333:assumed-role/production", true},
		{user, user, true},
		{role, role, true},
		{role, "arn:aws:sts::111122223333:assumed-role/production2/i-1", false},
		{role, "arn:aws:sts::111122223333:assumed-role/Production/i-1", false},
		{role, "arn:aws:sts::111122223333:assumed-role/workers/production", false},
		{role, "arn:aws:sts::444455556666:assumed-role/production/i-1", false},
		{role, "arn:aws-cn:sts::111122223333:assumed-role/production/i-1", false},
		{role, "arn:aws:iam::111122223333:assumed-role/production/i-1", false},
		{role, "arn:aws:sts::111122223333:federated-user/production", false},
		{role, "arn:aws:sts::111122223333:assumed-role//i-1", false},
		{user, "arn:aws:sts::111122223333:assumed-role/ci/i-1", false},
		{user, "arn:aws:iam::111122223333:user/CI", false},
		{"arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/production/i-1", false},
	} {
		declared, err := rolecall.ParseARN(c.declared)
		if err != nil {
			t.Fatal(err)
		}
		caller, err := rolecall.ParseARN(c.caller)
		if err != nil {
			t.Fatal(err)
		}
		if got := declared.Names(caller); got != c.want {
			t.Errorf("%s names %s: %v", c.declared, c.caller, got)
		}
	}
}

// A region, by its form, cannot lead a host name out of AWS's domain.
func TestIsRegion(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1", "ap-southeast-12"} {
		if !rolecall.IsRegion(s) {
			t.Errorf("%q is none", s)
		}
	}
	for _, s := range []string{
		"", "eu", "eu-1", "EU-Central-1", "eu-central-1 ", "eu-central-1\n", "eu-central-1.example.com", "x@127.0.0.1:443/#", "x@example.com?-a-1",
		"127.0.0.1", "eu/central-1", "eu-central-1#", "-central-1", "eu-" + strings.Repeat("a", 32) + "-1",
	} {
		if rolecall.IsRegion(s) {
			t.Errorf("%q is one", s)
		}
	}
}
