package rolecall_test

import (
	"testing"

	"github.com/rolecall/rolecall"
)

// Jobs, checks and tools ask the same STS, and only a region of the
// principal's partition becomes part of a host name.
func TestSTSRegion(t *testing.T) {
	t.Parallel()
	at := func(region string) rolecall.Place { return rolecall.Place{Region: region} }
	tenants := rolecall.Place{Region: "eu-west-1", EndpointURL: "https://s3.example.com"}
	for name, c := range map[string]struct {
		partition string
		regions   []string
		job       string
		bucket    rolecall.Place
		want      string
	}{
		"nobody says":            {"aws", nil, "", rolecall.Place{}, "us-east-1"},
		"in China":               {"aws-cn", nil, "", rolecall.Place{}, "cn-north-1"},
		"in GovCloud":            {"aws-us-gov", nil, "", rolecall.Place{}, "us-gov-west-1"},
		"in the Sovereign Cloud": {"aws-eusc", nil, "", rolecall.Place{}, "eusc-de-east-1"},

		"the bucket's":                   {"aws", nil, "", at("eu-west-1"), "eu-west-1"},
		"the bucket's, of those served":  {"aws", []string{"us-west-2", "eu-west-1"}, "", at("eu-west-1"), "eu-west-1"},
		"the principal's":                {"aws", []string{"eu-central-1", "eu-north-1"}, "", at("eu-west-1"), "eu-central-1"},
		"the principal's, bucket silent": {"aws", []string{"eu-central-1"}, "", rolecall.Place{}, "eu-central-1"},
		"the job's":                      {"aws", nil, "us-west-2", at("eu-west-1"), "us-west-2"},
		"the job's, of those served":     {"aws", []string{"eu-central-1", "us-west-2"}, "us-west-2", at("eu-central-1"), "us-west-2"},
		"the job's, not served":          {"aws", []string{"eu-central-1", "eu-west-1"}, "us-west-2", at("eu-west-1"), "eu-west-1"},
		"the job's, not a tenant's":      {"aws", nil, "us-west-2", tenants, "us-west-2"},

		"not a tenant's server's":                {"aws", nil, "", tenants, "us-east-1"},
		"not a tenant's server's, though served": {"aws", []string{"us-west-2", "eu-west-1"}, "", tenants, "us-west-2"},

		"a bucket of another partition":   {"aws", nil, "", at("cn-north-1"), "us-east-1"},
		"a job of another partition":      {"aws-cn", nil, "us-west-2", at("cn-northwest-1"), "cn-northwest-1"},
		"a job's that is none":            {"aws", nil, "x@127.0.0.1/#", rolecall.Place{}, "us-east-1"},
		"a bucket's that is none":         {"aws", nil, "", at("eu-west-1.example.com"), "us-east-1"},
		"a principal's that is none":      {"aws", []string{"x@127.0.0.1/#", "eu-central-1"}, "", rolecall.Place{}, "eu-central-1"},
		"a principal's, all of elsewhere": {"aws", []string{"cn-north-1"}, "", at("eu-west-1"), "eu-west-1"},
	} {
		p := rolecall.Principal{ARN: rolecall.ARN{Partition: c.partition}, Regions: c.regions}
		if got := p.STSRegion(c.job, c.bucket); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
