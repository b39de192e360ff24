package sandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

// The beginnings and ends of names that AWS keeps for other things than
// general purpose buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var (
	reservedBeginnings = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedEnds       = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

var addressForm = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){3}$`)

// validBucketName reports whether a general purpose bucket may have the name.
// S3 also refuses a hyphen next to a dot, where the name would be no host's.
func validBucketName(name string) bool {
	if !bucketForm.MatchString(name) {
		return false
	}
	for _, adjacent := range []string{"..", ".-", "-."} {
		if strings.Contains(name, adjacent) {
			return false
		}
	}
	return !addressForm.MatchString(name) &&
		!slices.ContainsFunc(reservedBeginnings, func(s string) bool { return strings.HasPrefix(name, s) }) &&
		!slices.ContainsFunc(reservedEnds, func(s string) bool { return strings.HasSuffix(name, s) })
}

// locationConstraints are the values that CreateBucket takes: the regions but
// the first, and EU, the first name of eu-west-1.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
var locationConstraints = []string{
	"EU", "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
	"eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1",
	"mx-central-1", "sa-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
}

// newBucketRegion returns the region of a new bucket by the location constraint
// and the region that the request is signed for. In the first region, whose
// endpoint is also the one of no region, buckets are made everywhere in the
// partition; elsewhere only in the endpoint's own.
func newBucketRegion(constraint, signed, partition string) (string, *s3.Error) {
	region := constraint
	if constraint == "EU" {
		region = "eu-west-1"
	}
	incompatible := &s3.Error{
		Status: http.StatusBadRequest, Code: "IllegalLocationConstraintException",
		Message: "The " + cmp.Or(constraint, "unspecified") + " location constraint is incompatible for the region specific endpoint this request was sent to.",
	}
	switch {
	case constraint == "" && signed == firstRegion:
		return firstRegion, nil
	case constraint == "":
		return "", incompatible
	case region == signed && signed != firstRegion:
		return region, nil
	case !slices.Contains(locationConstraints, constraint) || rolecall.PartitionOf(region) != partition:
		return "", &s3.Error{
			Status: http.StatusBadRequest, Code: "InvalidLocationConstraint", Message: "The specified location-constraint is not valid",
			Extra: []s3.Field{{Name: "LocationConstraint", Value: constraint}},
		}
	case signed == firstRegion:
		return region, nil
	}
	return "", incompatible
}
