package credential

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

func newSTS(region, endpoint string, client *http.Client, credentials aws.CredentialsProvider) *sts.Client {
	o := sts.Options{Region: region, Credentials: aws.NewCredentialsCache(credentials)}
	if client != nil {
		o.HTTPClient = client
	}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	return sts.New(o)
}

// regionFor picks the region whose STS is asked: the wanted one if it is one,
// and of the principal's partition, else the principal's first, else the
// partition's oldest.
func regionFor(wanted string, p rolecall.Principal) string {
	for _, region := range append([]string{wanted}, p.Regions...) {
		if rolecall.IsRegion(region) && rolecall.PartitionOf(region) == p.ARN.Partition {
			return region
		}
	}
	return rolecall.HomeRegion(p.ARN.Partition)
}
